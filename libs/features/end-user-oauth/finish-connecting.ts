import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { equalInConstantTime, hashOf } from '#platform/secrets/random.js'
import { purposeOf } from './accept-person-return.js'
import { type Authorization, authorizationIdOf } from './authorization.js'
import { ConnectStop } from './connect.errors.js'
import { ConnectAccount } from './connect-account.js'
import type { KeptPerson } from './kept-person.js'
import type { SignIn } from './sign-in.entity.js'
import { isItsState, SignIns } from './sign-ins.js'

/** What the client's redirect URI received. */
export interface HandedIn {
  state: string
  code: string
}

/**
 * The client hands in what the person's browser has brought it, and only now the account is connected: whoever follows a
 * link that was made for somebody else has connected nothing, as long as the client compares the state with its session.
 */
@Injectable()
export class FinishConnecting {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly signIns: SignIns,
    private readonly connectAccount: ConnectAccount,
  ) {}

  /** @throws ConnectStop unknown, expired, used, wouldLose, beingTakenBack; the code works once, a wrong one uses up nothing */
  async finish(clientId: string, { state, code }: HandedIn): Promise<Authorization> {
    const signIn = await this.database.read((em) => this.signIns.findByState(em, state))
    if (!signIn || signIn.clientId !== clientId || !isItsState(signIn, state)) throw new ConnectStop('unknown')
    if (signIn.step === 'connected') throw new ConnectStop('used')
    if (signIn.step !== 'handed-over' || !isItsCode(signIn, code)) throw new ConnectStop('unknown')
    if (signIn.expiresAt <= this.clock.now()) throw new ConnectStop('expired')
    const sealed = await this.signIns.open(signIn)
    if (sealed.kind !== 'back') throw new Error(`${signIn.id} was handed over without its person`)
    try {
      return await this.#connect(signIn, sealed.person)
    } catch (error) {
      if (error instanceof ConnectStop && error.stop === 'beingTakenBack')
        await this.database.inTransaction((tx) => this.signIns.end(tx, signIn))
      throw error
    }
  }

  #connect(signIn: SignIn, person: KeptPerson): Promise<Authorization> {
    const purpose = purposeOf(signIn)
    return this.database.inTransaction(async (tx) => {
      const ending = { sealedAttempt: null, handOverHash: null, endedAt: this.clock.now() }
      if (!(await this.signIns.move(tx, signIn, 'connected', ending))) throw new ConnectStop('used')
      const { grant, email } = await this.connectAccount.connect(tx, purpose, person)
      const { provider } = purpose
      return {
        ...{ id: authorizationIdOf(grant.id), userId: signIn.userId!, provider, email },
        ...{ scope: grant.scope, createdAt: grant.createdAt },
      }
    })
  }
}

const isItsCode = (signIn: SignIn, code: string) =>
  signIn.handOverHash != null && equalInConstantTime(signIn.handOverHash, hashOf(code))
