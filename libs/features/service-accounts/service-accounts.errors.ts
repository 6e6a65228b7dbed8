import { BrokerError } from '#platform/errors/broker-error.js'
import type { EndingName } from './pages/ending.page.js'
import { en as t } from './pages/strings.en.js'

/** Every ending that is a page, with the status it is sent with. */
const STATUS = {
  clientUnknown: 400,
  redirectRefused: 400,
  badRequest: 400,
  returnUsed: 400,
  otherBrowser: 403,
  outOfDate: 403,
  foreignForm: 403,
  signInDeclined: 403,
  signInFailed: 403,
  personalAccount: 403,
  notAdministrator: 403,
  consentDeclined: 403,
  consentNeedsAdministrator: 403,
  wrongDirectory: 403,
  notFound: 404,
  clientChanged: 409,
  wayClosed: 409,
  expired: 410,
  alreadyAllowed: 410,
  alreadyDenied: 410,
  tooManyVisits: 429,
  broken: 500,
  providerDown: 503,
} as const satisfies Record<EndingName, number>

/** Endings after which this consent cannot be gone on with. */
const FINAL: readonly EndingName[] = [
  'clientUnknown',
  'redirectRefused',
  'tooManyVisits',
  'notFound',
  'otherBrowser',
  'expired',
  'alreadyAllowed',
  'alreadyDenied',
  'clientChanged',
]

export const statusOf = (ending: EndingName) => STATUS[ending]

export const isFinal = (ending: EndingName) => FINAL.includes(ending)

/** The visit ends here, or cannot go on like this: an administrator reads a page about it. */
export class ConsentStop extends BrokerError {
  /** See `EndingProps.detail`: said to the administrator. */
  readonly shown: string | undefined

  constructor(
    readonly ending: EndingName,
    { shown, detail }: { shown?: string; detail?: string } = {},
  ) {
    super({
      code: `consent.${ending.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
      status: STATUS[ending],
      publicText: t.ending[ending].title,
      detail,
    })
    this.shown = shown
  }
}
