import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { equalInConstantTime, hashOf, newBearer, type RandomSource } from '#platform/secrets/random.js'
import { Sealer, type SealingPlace } from '#platform/secrets/sealer.js'
import { Secret } from '#platform/secrets/secret.js'
import type { KeptPerson } from './kept-person.js'
import { SignIn } from './sign-in.entity.js'
import { mayMove, type SignInStep } from './sign-in-journey.js'

/** What is kept of a sign-in under way, and of no use to anybody else. */
export type SealedAttempt =
  /** The browser is away: what its way there and back is tied together with, beside the state. */
  | { kind: 'away'; nonce: string; codeVerifier: string }
  /** It is back: who came, until the client hands in its code. */
  | { kind: 'back'; person: KeptPerson }

type Changes = Partial<Omit<SignIn, 'id' | 'clientId' | 'dialect' | 'step'>>

/** The rows of the journey. Every change after the first is a move. */
@Injectable()
export class SignIns {
  constructor(
    private readonly clock: Clock,
    private readonly sealer: Sealer,
  ) {}

  /** The sign-in that this state names; whether the state is its own is another question. */
  findByState(em: Em, state: string): Promise<SignIn | null> {
    const id = signInIdIn(state)
    return id ? em.findOne(SignIn, { id }) : Promise.resolve(null)
  }

  find(em: Em, id: string): Promise<SignIn | null> {
    return SIGN_IN_ID.test(id) ? em.findOne(SignIn, { id }) : Promise.resolve(null)
  }

  /**
   * One conditional update: true for whoever comes first from this step and this state, as long as the sign-in lives. Whoever
   * comes second has changed nothing. What was read is then as what is stored.
   */
  async move(em: Em | Tx, signIn: SignIn, to: SignInStep, changes: Changes = {}): Promise<boolean> {
    if (!mayMove(signIn.step, to)) return false
    const here = {
      ...{ id: signIn.id, step: signIn.step, stateHash: signIn.stateHash ?? null },
      expiresAt: { $gt: this.clock.now() },
    }
    if ((await em.nativeUpdate(SignIn, here, { ...changes, step: to })) === 0) return false
    Object.assign(signIn, changes, { step: to })
    return true
  }

  /** Over, whether its time was or not: true for whoever ends it, and for nobody after that. */
  async end(tx: Tx, signIn: SignIn): Promise<boolean> {
    const ending = { step: 'ended', sealedAttempt: null, handOverHash: null, endedAt: this.clock.now() } as const
    if ((await tx.nativeUpdate(SignIn, { id: signIn.id, endedAt: null }, ending)) === 0) return false
    Object.assign(signIn, ending)
    return true
  }

  seal(signIn: Pick<SignIn, 'id' | 'clientId'>, attempt: SealedAttempt): Promise<string> {
    return this.sealer.seal(new Secret(JSON.stringify(attempt)), placeOf(signIn))
  }

  async open(signIn: SignIn): Promise<SealedAttempt> {
    if (!signIn.sealedAttempt) throw new Error(`${signIn.id} has nothing sealed`)
    return JSON.parse((await this.sealer.open(signIn.sealedAttempt, placeOf(signIn))).reveal()) as SealedAttempt
  }
}

const placeOf = ({ id, clientId }: Pick<SignIn, 'id' | 'clientId'>): SealingPlace => ({
  table: 'sign_ins',
  column: 'sealed_attempt',
  row: id,
  client: clientId,
})

const SIGN_IN_ID = /^sig_[0-9a-f]{24}$/

/** The `state` of our requests to a provider: which sign-in it is, and a secret that is good for one return. */
export const newState = (signInId: string, random: RandomSource) => `${signInId}.${newBearer(random)}`

export const signInIdIn = (state: string): string | null => /^(sig_[0-9a-f]{24})\.[\w-]{32}$/.exec(state)?.[1] ?? null

export const isItsState = (signIn: SignIn, state: string) =>
  signIn.stateHash != null && equalInConstantTime(signIn.stateHash, hashOf(state))

export const isItsBrowser = (signIn: SignIn, cookie: string | undefined) =>
  signIn.cookieHash == null || (cookie !== undefined && equalInConstantTime(signIn.cookieHash, hashOf(cookie)))
