import { createHmac } from 'node:crypto'

/** One request for which a client was answered 202. */
export interface Accepted {
  id: string
  tenant: string
  email: string
  state: string
  callbackUrl: string
}

/** One POST as the receiver got it, byte for byte. */
export interface Received {
  /** Whose URL it came to. */
  tenant: string
  headers: Record<string, string | undefined>
  body: string
  /** What the receiver answered; null when it hung up, or was hung up on. */
  status: number | null
}

/** One exchange of a code that a callback brought. */
export interface Exchange {
  requestId: string
  code: string
  status: number
  /** Whose mailbox the tokens open; null unless it was answered with 200. */
  email: string | null
}

/** A request as the API shows it when all is quiet. */
export interface Shown {
  id: string
  status: string
  callback: string
  attempts: number
  /** `milliseconds` is null where the process died before it could say what came of it. */
  callback_attempts: { number: number; status: number | null; milliseconds: number | null }[]
}

/** One row of the audit. */
export interface Recorded {
  act: string
  subject: string | null
  details: { request?: string; attempt?: number } | null
}

export interface Evidence {
  accepted: readonly Accepted[]
  received: readonly Received[]
  exchanges: readonly Exchange[]
  shown: readonly Shown[]
  /** All rows of the tenants' chains, and whether every chain is as it was written. */
  audit: { rows: readonly Recorded[]; intact: boolean }
  /** Service accounts that have been revoked, whoever died of it. */
  revoked: readonly string[]
  /** `whsec_…` of each tenant. */
  signingSecrets: ReadonlyMap<string, string>
  /** So many processes died, or lost their stores, with so many callbacks in hand each. */
  deaths: number
  inHand: number
}

type Kind = 'lost' | 'doubled' | 'forged' | 'crossed'

/** One broken promise. `invariant` is its number, so that a table of faults can be read beside the tests. */
interface Finding {
  kind: Kind
  invariant: string
  id: string
  what: string
}

export interface Verdict {
  findings: Finding[]
  counts: { accepted: number; told: number; denied: number; exchanged: number; again: number } & Record<Kind, number>
}

interface Told {
  code?: string
  error?: string
  state?: string
}

/** Everything that is known about one request, and what it breaks. */
export function check(evidence: Evidence): Verdict {
  const rows = groupBy(evidence.received, ({ headers }) => headers['webhook-id'] ?? 'no webhook-id')
  const exchanges = groupBy(evidence.exchanges, ({ requestId }) => requestId)
  const shown = new Map(evidence.shown.map((request) => [request.id, request]))
  const accepted = new Map(evidence.accepted.map((request) => [request.id, request]))
  const findings = [
    ...evidence.received.flatMap((row) => checkRow(row, accepted, evidence.signingSecrets)),
    ...evidence.accepted.flatMap((request) => {
      const of = { rows: rows.get(request.id) ?? [], exchanges: exchanges.get(request.id) ?? [] }
      return checkRequest(request, of, shown.get(request.id))
    }),
    ...checkCodes(evidence.received),
    ...checkAudit(evidence),
  ]
  const again = [...rows.values()].reduce((sum, all) => sum + Math.max(0, successes(all).length - 1), 0)
  const most = evidence.deaths * evidence.inHand
  if (again > most)
    findings.push({ kind: 'doubled', invariant: 'I12', id: 'all', what: `${again} told again, ${most} at most` })
  const count = (kind: Kind) => new Set(findings.filter((finding) => finding.kind === kind).map(({ id }) => id)).size
  return {
    findings,
    counts: {
      accepted: evidence.accepted.length,
      told: evidence.accepted.filter(({ id }) => successes(rows.get(id) ?? []).length > 0).length,
      denied: evidence.shown.filter(({ status }) => status === 'denied').length,
      exchanged: evidence.exchanges.filter(({ status }) => status === 200).length,
      again,
      lost: count('lost'),
      doubled: count('doubled'),
      forged: count('forged'),
      crossed: count('crossed'),
    },
  }
}

/** What can be said about one POST alone. */
function checkRow(row: Received, accepted: Map<string, Accepted>, secrets: ReadonlyMap<string, string>): Finding[] {
  const id = row.headers['webhook-id'] ?? 'no webhook-id'
  const request = accepted.get(id)
  if (!request) return [{ kind: 'forged', invariant: 'I3', id, what: 'a callback for what was never accepted' }]
  const findings: Finding[] = []
  if (request.tenant !== row.tenant)
    findings.push({ kind: 'crossed', invariant: 'I11', id, what: `of ${request.tenant}, sent to ${row.tenant}` })
  if (!isSigned(row, secrets.get(request.tenant) ?? ''))
    findings.push({ kind: 'forged', invariant: 'I7', id, what: 'the signature does not fit the bytes' })
  if (toldBy(row).state !== request.state)
    findings.push({
      kind: 'forged',
      invariant: 'I8',
      id,
      what: `state ${toldBy(row).state} instead of ${request.state}`,
    })
  return findings
}

/** What only all that happened to one request can tell. */
function checkRequest(
  { id, email }: Accepted,
  { rows, exchanges }: { rows: Received[]; exchanges: Exchange[] },
  shown: Shown | undefined,
): Finding[] {
  const findings: Finding[] = []
  const find = (kind: Kind, invariant: string, what: string) => findings.push({ kind, invariant, id, what })
  const used = exchanges.filter(({ status }) => status === 200)
  const isTold = successes(rows).length > 0 || used.length > 0

  if (!shown) find('lost', 'I1', 'the API does not know it')
  else if (shown.callback !== 'delivered') find('lost', 'I1', `has come to rest as ${shown.status}, ${shown.callback}`)
  else if (!isTold) find('lost', 'I2', 'is called delivered, and nobody was told')
  if (shown && shown.callback_attempts.length < rows.length)
    find('lost', 'I9', `${rows.length} callbacks came, ${shown.callback_attempts.length} attempts are on record`)

  const kinds = new Set(rows.map((row) => (toldBy(row).code === undefined ? 'error' : 'code')))
  if (kinds.size > 1 || rows.some((row) => toldBy(row).code !== undefined && toldBy(row).error !== undefined))
    find('doubled', 'I4', 'a code and an error')
  if (used.length > 1) find('doubled', 'I5', `${used.length} exchanges succeeded`)
  if (new Set(rows.map(withoutCode)).size > 1) find('doubled', 'I6', 'callbacks that differ in more than the code')
  for (const exchange of used)
    if (exchange.email !== email) find('crossed', 'I11', `its code opened ${exchange.email}, asked was ${email}`)
  return findings
}

/** Each attempt has a code of its own. */
function checkCodes(received: readonly Received[]): Finding[] {
  const codes = groupBy(
    received.filter((row) => toldBy(row).code !== undefined),
    (row) => toldBy(row).code!,
  )
  return [...codes.values()]
    .filter((rows) => rows.length > 1)
    .map((rows) => ({
      kind: 'doubled' as const,
      invariant: 'I6',
      id: rows[0]!.headers['webhook-id'] ?? '',
      what: `one code in ${rows.length} callbacks`,
    }))
}

/** Each act is on record, once, and what is on record has happened. */
function checkAudit({ accepted, exchanges, shown, audit, revoked }: Evidence): Finding[] {
  const findings: Finding[] = []
  if (!audit.intact)
    findings.push({ kind: 'forged', invariant: 'I10', id: 'all', what: 'a chain of the audit is broken' })
  const recorded = groupBy(audit.rows, ({ act, subject, details }) => `${act} of ${details?.request ?? subject}`)
  const rowsOf = (act: string, id: string) => recorded.get(`${act} of ${id}`) ?? []
  const expect = (act: string, id: string, { least = 1, most = 1 } = {}) => {
    const { length } = rowsOf(act, id)
    const what = `${length} rows of ${act}`
    if (length < least) findings.push({ kind: 'lost', invariant: 'I10', id, what })
    if (length > most) findings.push({ kind: 'doubled', invariant: 'I10', id, what })
  }
  const numbers = (rows: readonly Recorded[]) =>
    rows.flatMap(({ details }) => details?.attempt ?? []).sort((a, b) => a - b)
  const known = new Map(shown.map((request) => [request.id, request]))
  const used = new Set(exchanges.filter(({ status }) => status === 200).map(({ requestId }) => requestId))
  for (const { id } of accepted) {
    expect('access.requested', id)
    const request = known.get(id)
    if (!request) continue
    const { status, callback_attempts: attempts } = request
    expect('mint.granted', id, status === 'granted' ? {} : { least: 0, most: 0 })
    expect('mint.denied', id, status === 'denied' ? {} : { least: 0, most: 0 })
    const told = numbers([...rowsOf('callback.attempted', id), ...rowsOf('callback.abandoned', id)])
    const ended = attempts.filter(({ milliseconds }) => milliseconds !== null).map(({ number }) => number)
    const issued = numbers(rowsOf('code.issued', id))
    const withCode = status === 'granted' ? attempts.map(({ number }) => number) : []
    for (const [what, onRecord, made] of [
      ['attempts', told, ended],
      ['codes', issued, withCode],
    ] as const)
      if (onRecord.join() !== made.join()) {
        const kind = onRecord.length > made.length ? 'doubled' : 'lost'
        findings.push({ kind, invariant: 'I10', id, what: `${what} [${made}] were made, [${onRecord}] are on record` })
      }
    // Who was not answered may have got tokens all the same.
    const grant = rowsOf('mint.granted', id)[0]?.subject
    if (grant) expect('code.exchanged', grant, { least: used.has(id) ? 1 : 0 })
  }
  for (const id of revoked) expect('service_account.revoked', id)
  return findings
}

const successes = (rows: readonly Received[]) =>
  rows.filter(({ status }) => status !== null && status >= 200 && status < 300)

/** Nothing where the body is not what we send. */
function toldBy({ body }: Received): Told {
  try {
    return JSON.parse(body).authorization ?? {}
  } catch {
    return {}
  }
}

const withoutCode = (row: Received) => {
  const { code } = toldBy(row)
  return code === undefined ? row.body : row.body.replace(code, '')
}

/** Standard Webhooks, by the specification and not by our code. */
function isSigned({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const signature = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  return (headers['webhook-signature'] ?? '').split(' ').includes(signature)
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
