import { createHmac } from 'node:crypto'
import { type Accepted, check, type Evidence, type Received, type Recorded } from './checker.js'

const SECRETS = new Map([
  ['acme', `whsec_${Buffer.alloc(32, 1).toString('base64')}`],
  ['globex', `whsec_${Buffer.alloc(32, 2).toString('base64')}`],
])

const request = (id: string, tenant = 'acme'): Accepted => ({
  id,
  tenant,
  email: `${id}@${tenant}.test`,
  state: `state of ${id}`,
  callbackUrl: `https://${tenant}.test/cb`,
})

/** As Mandate would send it. */
function sent({ id, tenant, state }: Accepted, outcome: object, status: number | null = 200): Received {
  const body = JSON.stringify({ authorization: { ...outcome, state } })
  const key = Buffer.from(SECRETS.get(tenant)!.slice(6), 'base64')
  const signature = `v1,${createHmac('sha256', key).update(`${id}.1700000000.${body}`).digest('base64')}`
  const headers = { 'webhook-id': id, 'webhook-timestamp': '1700000000', 'webhook-signature': signature }
  return { tenant, headers, body, status }
}

const REVOKED: Recorded = { act: 'service_account.revoked', subject: 'ser_spare', details: null }

const granted = request('dar_granted')
const denied = request('dar_denied')
const retried = request('dar_retried')
const foreign = request('dar_foreign', 'globex')

const shown = ({ id }: Accepted, attempts = 1) => ({
  id,
  status: id === 'dar_denied' ? 'denied' : 'granted',
  callback: 'delivered',
  attempts,
  callback_attempts: Array.from({ length: attempts }, (_, n) => ({ number: n + 1, status: 200, milliseconds: 5 })),
})
/** What Mandate would have put on record of it. */
const recorded = ({ id }: Accepted, attempts = 1): Recorded[] => {
  const isGranted = id !== denied.id
  const numbers = Array.from({ length: attempts }, (_, n) => n + 1)
  return [
    { act: 'access.requested', subject: id, details: null },
    isGranted
      ? { act: 'mint.granted', subject: `grant of ${id}`, details: { request: id } }
      : { act: 'mint.denied', subject: id, details: null },
    ...numbers.flatMap((attempt) => [
      ...(isGranted ? [{ act: 'code.issued', subject: `grant of ${id}`, details: { request: id, attempt } }] : []),
      { act: 'callback.attempted', subject: id, details: { attempt } },
    ]),
    ...(isGranted ? [{ act: 'code.exchanged', subject: `grant of ${id}`, details: null }] : []),
  ]
}
/** A request with so many attempts, as the API and the audit have it. */
const tried = (given: Evidence, request: Accepted, attempts: number): Evidence => ({
  ...given,
  shown: given.shown.map((one) => (one.id === request.id ? shown(request, attempts) : one)),
  audit: {
    ...given.audit,
    rows: [
      ...given.accepted.flatMap((one) => recorded(one, one.id === request.id ? attempts : attemptsOf(one))),
      REVOKED,
    ],
  },
})
const attemptsOf = ({ id }: Accepted) => (id === retried.id ? 2 : 1)
const exchanged = ({ id, email }: Accepted, code: string) => ({ requestId: id, code, status: 200, email })

/** All is well in it. */
const evidence = (): Evidence & { received: Received[] } => ({
  accepted: [granted, denied, retried, foreign],
  received: [
    sent(granted, { code: 'code-1' }),
    sent(denied, { error: 'access_denied' }),
    sent(retried, { code: 'code-2' }, 503),
    sent(retried, { code: 'code-3' }),
    sent(foreign, { code: 'code-4' }),
  ],
  exchanges: [exchanged(granted, 'code-1'), exchanged(retried, 'code-3'), exchanged(foreign, 'code-4')],
  shown: [shown(granted), shown(denied), shown(retried, 2), shown(foreign)],
  audit: {
    rows: [...[granted, denied, retried, foreign].flatMap((one) => recorded(one, attemptsOf(one))), REVOKED],
    intact: true,
  },
  revoked: ['ser_spare'],
  signingSecrets: SECRETS,
  deaths: 0,
  inHand: 64,
})

const found = (given: Evidence) => check(given).findings.map(({ kind, invariant, id }) => `${kind} ${invariant} ${id}`)

describe('the checker', () => {
  it('finds nothing where all is well, a retry and a denial included', () => {
    expect(found(evidence())).toEqual([])
    expect(check(evidence()).counts).toEqual({
      ...{ accepted: 4, told: 4, denied: 1, exchanged: 3, again: 0 },
      ...{ lost: 0, doubled: 0, forged: 0, crossed: 0 },
    })
  })

  it('finds a request that was dropped, whatever the API calls it', () => {
    const received = evidence().received.filter(({ headers }) => headers['webhook-id'] !== denied.id)
    expect(found({ ...evidence(), received })).toEqual(['lost I2 dar_denied'])
    const waiting = evidence().shown.map((one) => (one.id === denied.id ? { ...one, callback: 'waiting' } : one))
    expect(found({ ...evidence(), received, shown: waiting })).toEqual(['lost I1 dar_denied'])
    expect(found({ ...evidence(), shown: evidence().shown.slice(1) })).toEqual(['lost I1 dar_granted'])
  })

  it('finds a retry that was lost: the receiver refused, and that was the end', () => {
    const received = evidence().received.filter(({ body }) => !body.includes('code-3'))
    const exchanges = evidence().exchanges.filter(({ code }) => code !== 'code-3')
    expect(found({ ...evidence(), received, exchanges })).toEqual(['lost I2 dar_retried'])
  })

  it('finds an attempt that is not on record', () => {
    expect(found(tried(evidence(), retried, 1))).toEqual(['lost I9 dar_retried'])
  })

  it('finds one code in two callbacks, and a code that was exchanged twice', () => {
    const twice = [...evidence().received, sent(granted, { code: 'code-1' })]
    expect(found({ ...tried(evidence(), granted, 2), received: twice, deaths: 1 })).toEqual(['doubled I6 dar_granted'])
    const exchanges = [...evidence().exchanges, exchanged(granted, 'code-1')]
    expect(found({ ...evidence(), exchanges })).toEqual(['doubled I5 dar_granted'])
  })

  it('finds a code and an error for the same request, in two callbacks or in one', () => {
    const received = [...evidence().received, sent(granted, { error: 'access_denied' }, 503)]
    expect(found({ ...tried(evidence(), granted, 2), received })).toContain('doubled I4 dar_granted')
    const both = evidence().received.map((row) =>
      row.headers['webhook-id'] === foreign.id ? sent(foreign, { code: 'code-4', error: 'access_denied' }) : row,
    )
    expect(found({ ...evidence(), received: both })).toEqual(['doubled I4 dar_foreign'])
  })

  it('finds more repetitions than deaths can explain', () => {
    const again = [...evidence().received, sent(granted, { code: 'code-9' })]
    expect(found({ ...tried(evidence(), granted, 2), received: again })).toEqual(['doubled I12 all'])
    expect(found({ ...tried(evidence(), granted, 2), received: again, deaths: 1 })).toEqual([])
  })

  it("finds one tenant's callback at another's URL, and a code that opens another mailbox", () => {
    const swapped = evidence().received.map((row) =>
      row.headers['webhook-id'] === foreign.id ? { ...row, tenant: 'acme' } : row,
    )
    expect(found({ ...evidence(), received: swapped })).toEqual(['crossed I11 dar_foreign'])
    const exchanges = evidence().exchanges.map((one) => ({ ...one, email: granted.email }))
    expect(check({ ...evidence(), exchanges }).counts.crossed).toBe(2)
  })

  it('finds a body that was written anew after it was signed', () => {
    const received = evidence().received.map((row) =>
      row.headers['webhook-id'] === granted.id ? { ...row, body: JSON.stringify(JSON.parse(row.body), null, 1) } : row,
    )
    expect(found({ ...evidence(), received })).toEqual(['forged I7 dar_granted'])
  })

  it('finds another state, a key of somebody else, and a callback that nobody asked for', () => {
    const received = evidence().received.map((row) =>
      row.headers['webhook-id'] === granted.id ? sent({ ...granted, state: 'another' }, { code: 'code-1' }) : row,
    )
    expect(found({ ...evidence(), received })).toEqual(['forged I8 dar_granted'])
    const secrets = new Map([...SECRETS].reverse().map(([, secret], n) => [['acme', 'globex'][n]!, secret]))
    expect(check({ ...evidence(), signingSecrets: secrets }).counts.forged).toBe(4)
    const stranger = sent(request('dar_stranger'), { code: 'code-5' })
    expect(found({ ...evidence(), received: [...evidence().received, stranger] })).toEqual(['forged I3 dar_stranger'])
  })

  it.each([
    ...recorded(granted),
    ...recorded(denied),
    { act: 'code.issued', subject: `grant of ${retried.id}`, details: { request: retried.id, attempt: 2 } },
    REVOKED,
  ])('finds that $act of $subject is not on record, or twice', (row) => {
    const rows = evidence().audit.rows
    const isIt = (one: Recorded) => JSON.stringify(one) === JSON.stringify(row)
    const without = check({ ...evidence(), audit: { intact: true, rows: rows.filter((one) => !isIt(one)) } })
    expect(without.findings).toMatchObject([{ kind: 'lost', invariant: 'I10' }])
    const twice = check({ ...evidence(), audit: { intact: true, rows: [...rows, row] } })
    expect(twice.findings).toMatchObject([{ kind: 'doubled', invariant: 'I10' }])
  })

  it('finds two outcomes on record, an attempt on record that was never made, and a chain that is broken', () => {
    const { rows } = evidence().audit
    const withRow = (row: Recorded) => found({ ...evidence(), audit: { intact: true, rows: [...rows, row] } })
    expect(withRow({ act: 'mint.denied', subject: granted.id, details: null })).toEqual(['doubled I10 dar_granted'])
    expect(withRow({ act: 'callback.attempted', subject: denied.id, details: { attempt: 2 } })).toEqual([
      'doubled I10 dar_denied',
    ])
    expect(found({ ...evidence(), audit: { rows, intact: false } })).toEqual(['forged I10 all'])
  })
})
