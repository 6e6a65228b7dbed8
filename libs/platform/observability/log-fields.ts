// The patterns are narrow on purpose: 32 random characters, which is what our tokens are, fit none of them.

/** `dar_…` and the like, and what BullMQ calls a job: names of rows, good for nothing else. */
const ID = /^([a-z]+-)?[a-z]{2,4}_[0-9a-f]{1,32}$/
/** Constants of our own: `mint-access`, `google.subject_suspended`, `me.calendarView`, `decided before`. */
const WORD = /^[a-z]+([A-Z][a-z]+)*\d{0,4}([ ._/-][a-z]+([A-Z][a-z]+)*\d{0,4})*$/
/** Names of others: `TypeError`, `ECONNRESET`, `FST_ERR_VALIDATION`, `codes_one_live_per_request`, `23505`. */
const IDENTIFIER =
  /^(([A-Z]{1,8}[a-z]{2,}){1,7}|[A-Z]+\d{0,4}(_[A-Z]+\d{0,4})*|[a-z]+\d{0,4}(_[a-z]+\d{0,4})*|[0-9A-Z]{5}|-?\d{1,5})$/
/** The pattern of a route, never a URL. */
const ROUTE = /^(none|\/[\w/:*{}.?-]*)$/
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/
/** A place in our code or a library's, and nothing of what was in its variables. */
const FRAME = /^at (?:async )?(?:(?:new )?[\w.<>#$[\] ]+ \()?(?:file:\/\/|node:)?[\w@/.+\\:-]+:\d+:\d+\)?$/
/** The third attempt of nine. */
const OF_SOME = /^\d{1,4}\/\d{1,4}$/
const LONGEST_WORD = 64
const LONGEST_TEXT = 500

type Kind = (value: unknown) => boolean

const matching = (pattern: RegExp, longest: number): Kind => {
  return (value) => typeof value === 'string' && value.length <= longest && pattern.test(value)
}
const id = matching(ID, LONGEST_WORD)
const word = matching(WORD, LONGEST_WORD)
const identifier = matching(IDENTIFIER, LONGEST_WORD)
const route = matching(ROUTE, 200)
const time = matching(TIME, 30)
const ofSome = matching(OF_SOME, 9)
const number: Kind = (value) => Number.isFinite(value)
const flag: Kind = (value) => typeof value === 'boolean'
const text: Kind = (value) => typeof value === 'string'
export const isFrame = (line: string) => FRAME.test(line)
const frames: Kind = (value) => typeof value === 'string' && value.split(' < ').every(isFrame)

const each = <Name extends string>(kind: Kind, ...names: Name[]) =>
  Object.fromEntries(names.map((name) => [name, kind])) as Record<Name, Kind>

/**
 * Every field there is in the log, with what fits into it. A field is added here, or it is not logged. Only `text` may be
 * free, and what looks like a key or a token in it is blacked out: it is meant for sentences of ours.
 */
const STRINGS = {
  ...each(
    id,
    'requestId',
    'request',
    'client',
    'consent',
    'grant',
    'account',
    'serviceAccount',
    'service_account',
    'id',
    'event',
  ),
  ...each(
    word,
    'job',
    'name',
    'queue',
    'provider',
    'decision',
    'callback',
    'verdict',
    'shape',
    'code',
    'grantType',
    'scope',
    'limit',
    'state',
  ),
  ...each(identifier, 'method', 'reason', 'error', 'cause', 'constraint', 'errorCode'),
  ...each(text, 'detail', 'message', 'why', 'because', 'host', 'of'),
  key: matching(/^[\w-]+$/, 16),
  route,
  ...each(time, 'previousExpiresAt', 'until'),
  attempt: ofSome,
  trace: matching(/^[0-9a-f]{32}$/, 32),
  at: frames,
}
const NUMBERS = {
  ...each(number, 'status', 'ms', 'attempts', 'retryInMs', 'rows', 'mailboxes', 'grants', 'port', 'days'),
  ...each(number, 'codes', 'tokens', 'requests', 'serviceAccounts'),
  ...each(number, 'retired', 'rewrapped', 'resealed', 'deleted', 'unreadable', 'ended'),
}
const FLAGS = each(flag, 'repeat', 'finished')

type Maybe<T> = T | null | undefined
export type LogFields = { readonly [Name in keyof typeof STRINGS]?: Maybe<string> } & {
  readonly [Name in keyof typeof NUMBERS]?: Maybe<number>
} & { readonly [Name in keyof typeof FLAGS]?: Maybe<boolean> }

/** Also of an object that was put together elsewhere, where the compiler lets any other field pass. */
export type OnlyLogFields<Given> = Given & { readonly [Name in Exclude<keyof Given, keyof LogFields>]: never }

const KINDS = new Map<string, Kind>(Object.entries({ ...STRINGS, ...NUMBERS, ...FLAGS }))

/** What of these fields may stand in a line; `dropped` names the others, because a silent gap would be looked for in vain. */
export function admitted(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const line: Record<string, unknown> = {}
  const dropped: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    const kind = KINDS.get(name)
    if (value === undefined) continue
    if (value === null && kind) line[name] = null
    else if (kind?.(value)) line[name] = kind === text ? blackedOut(value as string) : value
    else dropped.push(/^\w{1,24}$/.test(name) ? name : 'a field without a name')
  }
  if (dropped.length > 0) line.dropped = dropped.join(' ')
  return line
}

const RUN = /[A-Za-z0-9+/_~=-]{20,}/g
const HARMLESS_RUN =
  /^([a-z]{2,4}_[0-9a-f]{24}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\/?([a-z]+|[A-Z]+)([_/-]([a-z]+|[A-Z]+))*|([A-Z]{1,8}[a-z]{2,}){1,7})$/

/** Long runs of letters and digits that are neither an id, nor a GUID, nor words. */
const blackedOut = (said: string) =>
  said.slice(0, LONGEST_TEXT).replace(RUN, (run) => (HARMLESS_RUN.test(run) ? run : '[…]'))
