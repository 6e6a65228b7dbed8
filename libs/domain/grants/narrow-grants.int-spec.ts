import { Log } from '#platform/observability/log.js'
import { NarrowGrants, type Narrowing } from './narrow-grants.js'
import { grantsForTests } from './testing/grants-for-tests.js'
import type { IssuedTokens } from './tokens.js'

describe('grants of a service account that may have less than before', () => {
  const ground = grantsForTests()
  const { clock, facts, grantMailbox, issueCode, redeem, refresh, refused, tokens } = ground
  const within = ['free_busy', 'read_free_busy', 'list_calendars', 'read_account']
  const narrowTo = (scopes: string[] | null) =>
    ground.database.read((em) =>
      em.execute(`update service_accounts set narrowed_to = ? where id = 'ser_1'`, [scopes && `{${scopes}}`]),
    )
  const issuedFor = async (scope: string[], email: string) => {
    const { grantId } = await grantMailbox(email)
    await ground.database.read((em) => em.execute('update grants set scope = ? where id = ?', [`{${scope}}`, grantId]))
    return redeem(await issueCode(grantId))
  }
  const scopeOf = async ({ accessToken }: IssuedTokens) =>
    (await tokens.findGrantByAccessToken(ground.database.lookUp, accessToken.reveal()))?.scope ?? null
  const rowOf = async ({ grant }: IssuedTokens) => {
    const [row] = await ground.database.read((em) =>
      em.execute('select scope, revoked_at is not null as ended from grants where id = ?', [grant.id]),
    )
    return row
  }
  const narrow = (to: Narrowing = { scopes: within, kinds: ['person', 'room'] }) =>
    new NarrowGrants(ground.database, clock, new Log('silent')).narrow('ser_1', to, 'administrator:a@acme.test')
  const allowKinds = (kinds: string[] | null) =>
    ground.database.read((em) =>
      em.execute(`update service_accounts set narrowed_kinds = ? where id = 'ser_1'`, [kinds && `{${kinds}}`]),
    )
  const roomFor = async (email: string) => {
    const issued = await issuedFor(['read_only'], email)
    await ground.database.read((em) => em.execute(`update grants set kind = 'room' where id = ?`, [issued.grant.id]))
    return issued
  }
  afterEach(async () => {
    await narrowTo(null)
    await allowKinds(null)
  })

  it('count for no more from that moment on, and end where nothing is left', async () => {
    const wide = await issuedFor(['read_only'], 'w@acme.test')
    const mixed = await issuedFor(['read_only', 'free_busy'], 'm@acme.test')
    const narrowed = await refresh(mixed, { narrow: () => ['read_only'] })
    await narrowTo(within)
    expect([await scopeOf(wide), await scopeOf(narrowed), await scopeOf(mixed)]).toEqual([null, null, ['free_busy']])
    await refused(refresh(wide))
    expect((await refresh(narrowed)).scope).toEqual(['free_busy'])
    expect(await facts(wide.accessToken)).toBeNull()
    // Nothing of that has changed a row.
    expect(await rowOf(mixed)).toEqual({ scope: ['read_only', 'free_busy'], ended: false })
    const { grantId } = await grantMailbox('late@acme.test')
    await refused(redeem(await issueCode(grantId)))
  })

  it('are cut down or ended in their rows, on record, so that a wider consent does not bring them back', async () => {
    const wide = await issuedFor(['read_only'], 'w2@acme.test')
    const mixed = await issuedFor(['read_only', 'free_busy'], 'm2@acme.test')
    const narrowed = await refresh(mixed, { narrow: () => ['read_only'] })
    const within_ = await issuedFor(['read_free_busy'], 'f2@acme.test')
    await narrowTo(within)
    await narrow()
    await narrowTo(null)
    expect([await scopeOf(wide), await scopeOf(narrowed)]).toEqual([null, null])
    expect([await scopeOf(mixed), await scopeOf(within_)]).toEqual([['free_busy'], ['read_free_busy']])
    expect(await rowOf(wide)).toEqual({ scope: ['read_only'], ended: true })
    const acts = await ground.database.read((em) =>
      em.execute(
        `select act, mailbox, actor, subject, details from audit_arrivals
         where reason = 'service_account.narrowed' and mailbox in ('w2@acme.test', 'm2@acme.test') order by act`,
      ),
    )
    const actor = 'administrator:a@acme.test'
    expect(acts).toEqual([
      {
        act: 'grant.narrowed',
        mailbox: 'm2@acme.test',
        actor,
        subject: mixed.grant.id,
        details: '{"scope": ["free_busy"]}',
      },
      {
        act: 'grant.revoked',
        mailbox: 'w2@acme.test',
        actor,
        subject: wide.grant.accountId,
        details: '{"grants": 1}',
      },
    ])
    await narrow()
    expect(await rowOf(mixed)).toEqual({ scope: ['free_busy'], ended: false })
  })

  it('count for nothing where mailboxes of their kind are not allowed any more, and end in their rows, on record', async () => {
    const [room, person] = [await roomFor('r@acme.test'), await issuedFor(['read_only'], 'p@acme.test')]
    await allowKinds(['person'])
    expect([await scopeOf(room), await scopeOf(person)]).toEqual([null, ['read_only']])
    await refused(refresh(room))
    expect(await facts(room.refreshToken)).toBeNull()
    expect(await rowOf(room)).toEqual({ scope: ['read_only'], ended: false })

    await narrow({ scopes: ['read_only'], kinds: ['person'] })
    await allowKinds(null)
    expect([await scopeOf(room), await scopeOf(person)]).toEqual([null, ['read_only']])
    const acts = await ground.database.read((em) =>
      em.execute(
        `select act, subject from audit_arrivals where reason = 'service_account.narrowed' and mailbox in ('r@acme.test', 'p@acme.test')`,
      ),
    )
    expect(acts).toEqual([{ act: 'grant.revoked', subject: room.grant.accountId }])
  })
})
