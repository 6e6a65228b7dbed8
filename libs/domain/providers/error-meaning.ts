import { GOOGLE_ERRORS } from './google/google-errors.js'
import { MICROSOFT_ERRORS } from './microsoft/microsoft-errors.js'
import type { ErrorMeaning } from './provider-errors.js'

/** Where it is not a provider that refuses. */
export const OPERATOR_ERRORS = {
  'operator.not_asked': {
    class: 'retry',
    effect: 'operator',
    problem: 'The provider could not be asked, for a reason on our side.',
    fix: 'The operator has to look into it; ask again later.',
  },
  'scope.narrowed': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The administrator has allowed less since this was asked for.',
    fix: 'Ask again for what is allowed now, by delegated_scope and to people or rooms, or have the administrator allow more.',
  },
  'grant.ended': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'It was granted and has ended before you heard of it: revoked, or ended by the provider.',
    fix: 'Ask again if it is still wanted.',
  },
} as const satisfies Record<string, ErrorMeaning>

const MEANINGS: ReadonlyMap<string, ErrorMeaning> = new Map(
  Object.entries({ ...GOOGLE_ERRORS, ...MICROSOFT_ERRORS, ...OPERATOR_ERRORS }),
)

/** What a stored key means by today's words; of one that is no more, nothing but that something is wrong. */
export function meaningOf(key: string): ErrorMeaning {
  return MEANINGS.get(key) ?? { class: 'permanent', effect: 'connection', problem: `It is refused (${key}).`, fix: '' }
}

/** For a client: what happened, and what to do where something can be done. */
export const inWords = ({ problem, fix }: Pick<ErrorMeaning, 'problem' | 'fix'>) =>
  fix ? `${problem} ${fix}` : problem

/** What is in the way, for whoever has to do something about it. */
export interface ExplainedReason {
  key: string
  problem: string
  fix: string
}

export function explainReason(key: string | null): ExplainedReason | null {
  if (key === null) return null
  const { problem, fix } = meaningOf(key)
  return { key, problem, fix }
}
