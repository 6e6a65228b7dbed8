import { createHash } from 'node:crypto'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { until } from '#platform/testing/until.js'
import { PersonVisit } from './connect-stage.js'
import { type Client, REDIRECT_URI } from './public-api.js'
import { Stage } from './stage.js'
import { signUserToken } from './user-token.js'

type Provider = 'google' | 'microsoft'
type Decision = 'allow' | 'deny' | 'a part'

/** What a client can do for one of its users, in whatever dialect. */
interface Face {
  /** Each has people of its own: what two accounts have in common at a provider is no dialect's matter. */
  people: Record<Provider, readonly [string, string]>
  /** From the question where to send the user to whatever the client does once the browser is back. */
  connect(user: string, provider: Provider, email: string, decision: Decision): Promise<void>
  /** Ids of what the user has. */
  list(user: string): Promise<string[]>
  end(user: string, id: string): Promise<void>
}

/** What the faces ask for besides signing in, unticked. */
const DATA = Object.fromEntries(
  ['calendar', 'calendar.events.readonly', 'gmail.send'].map((name) => [
    `scope:https://www.googleapis.com/auth/${name}`,
    null,
  ]),
)

interface Scenario {
  /** Each connects an account, of the first person or of the other, or ends the one that was connected last. */
  steps: readonly (Decision | 'the other person' | 'end')[]
  /** How many are listed in the end. */
  left: number
  at?: Provider
}

/** What users do, told to every face. */
const SCENARIOS: Record<string, Scenario> = {
  'one account': { steps: ['allow'], left: 1 },
  'the same account twice': { steps: ['allow', 'allow'], left: 1 },
  'two accounts': { steps: ['allow', 'the other person'], left: 2 },
  'a person who says no': { steps: ['deny'], left: 0 },
  // At Microsoft people allow all or nothing.
  'a person who allows a part': { steps: ['a part'], left: 0, at: 'google' },
  'an account that is ended': { steps: ['allow', 'end'], left: 0 },
  'one of two that is ended': { steps: ['allow', 'the other person', 'end'], left: 1 },
  'an account that is ended and comes back': { steps: ['allow', 'end', 'allow'], left: 1 },
}

describe('every face', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let client: Client
  let secret: string
  let key: string

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    client = await stage.api.addClient('Mailer')
    const scopes = ['oauth-api:query:*', 'oauth-api:mutation:*']
    key = (await stage.api.asAdmin('POST', '/admin/v1/keys', { json: { client_id: client.id, scopes } })).json.key
    const made = await stage.api.asAdmin('POST', `/admin/v1/clients/${client.id}/user_token_secrets`)
    secret = made.json.user_token_secret
  }, 60_000)
  afterAll(() => stage?.close())

  const tokenOf = (user: string) => signUserToken({ clientId: client.id, secret, audience: stage.api.url }, user)

  const visit = (link: string, email: string, decision: Decision) => {
    const person = new PersonVisit(REDIRECT_URI)
    if (decision === 'deny') return person.deny(link, email)
    return person.connect(link, email, decision === 'a part' ? DATA : {})
  }

  const graphql = async (query: string, variables: object) => {
    const asked = { json: { query, variables }, headers: { 'x-api-key': key } }
    const { data, errors } = await stage.api.must('POST', '/graphql', asked)
    if (errors) throw new Error(JSON.stringify(errors))
    return data
  }

  /** Work-API: the record that a user has for an account. */
  const records = new Map<string, string>()

  const FACES: Record<string, Face> = {
    Socrate: {
      people: { google: ['anna@acme.test', 'ben@acme.test'], microsoft: ['bill@initech.test', 'milton@initech.test'] },
      connect: async (approver, provider, email, decision) => {
        const input = { approver, provider: provider.toUpperCase(), scope: ['EMAIL_SEND'] }
        const begin =
          'mutation ($input: GenerateAuthorizationRequestInput!) { to: generateAuthorizationRequest(input: $input) { url state } }'
        const { to } = await graphql(begin, { input })
        const { url } = await visit(to.url, email, decision)
        const { code, state } = Object.fromEntries(url.searchParams)
        expect(state).toBe(to.state)
        if (!code) return
        const finish = 'mutation ($input: FinalizeAuthorizationInput!) { finalizeAuthorization(input: $input) { id } }'
        await graphql(finish, { input: { state, code } })
      },
      list: async (approver) => {
        const query = 'query ($filter: AuthorizationsFilter!) { authorizations(filter: $filter) { id } }'
        const { authorizations } = await graphql(query, { filter: { approver } })
        return authorizations.map(({ id }: { id: string }) => id)
      },
      end: async (approver, id) => {
        const query = 'mutation ($input: RevokeAuthorizationInput!) { revokeAuthorization(input: $input) { id } }'
        await graphql(query, { input: { id, approver } })
      },
    },
    Morgen: {
      people: {
        google: ['carla@acme.example', 'greg@globex.test'],
        microsoft: ['admin@initech.test', 'helpdesk@initech.test'],
      },
      connect: async (user, provider, email, decision) => {
        const id = provider === 'google' ? 'google' : 'o365'
        const path = `/v1/integrations/${id}/oauth/authorizationUrl?redirect_url=${encodeURIComponent(REDIRECT_URI)}`
        const { authorizationUrl } = await stage.api.must('GET', path, { token: await tokenOf(user) })
        await visit(authorizationUrl, email, decision)
      },
      list: async (user) => {
        const { data } = await stage.api.must('GET', '/v1/integrations/accounts/list', { token: await tokenOf(user) })
        return data.accounts.map(({ id }: { id: string }) => id)
      },
      end: async (user, id) => {
        await stage.api.must('POST', `/v1/integrations/accounts/${id}/disconnect`, { token: await tokenOf(user) })
      },
    },
    'Work-API': {
      people: {
        google: ['pat.private@gmail.com', 'admin@acme.test'],
        microsoft: ['excluded@initech.test', 'nomailbox@initech.test'],
      },
      connect: async (user, provider, email, decision) => {
        const token = await tokenOf(user)
        const json = {
          provider: provider === 'google' ? 'google_calendar' : 'office365_calendar',
          media_type: 'calendar',
        }
        // The record stays when its account is connected once more.
        const known = records.get(user + email)
        const made = known ? { id: known } : await stage.api.must('POST', '/integrations', { token, json })
        const id: string = made.id
        records.set(user + email, id)
        const path = `/auth/integrations/${id}?return_to=${encodeURIComponent(REDIRECT_URI)}`
        const { uri } = await stage.api.must('GET', path, { token })
        await visit(uri, email, decision)
      },
      list: async (user) => {
        const { integrations } = await stage.api.must('GET', '/integrations', { token: await tokenOf(user) })
        const connected = integrations.filter(({ status }: { status: string }) => status === 'connected')
        return connected.map(({ id }: { id: string }) => id)
      },
      end: async (user, id) => {
        await stage.api.must('DELETE', `/integrations/${id}`, { token: await tokenOf(user) })
        for (const [whose, record] of records) if (record === id) records.delete(whose)
      },
    },
  }

  /** By OAuth a client names no user, so for each user there is a client, which has the tokens. */
  const clients = new Map<string, { client: Client; tokens: string[] }>()
  const clientOf = async (user: string) => {
    const known = clients.get(user) ?? { client: await stage.api.addClient(user), tokens: [] }
    clients.set(user, known)
    return known
  }
  const subOf = async (token: string) => (await stage.api.call('GET', '/v1/userinfo', { token })).json?.sub

  const BY_OAUTH: Face = {
    people: {
      google: ['helpdesk@acme.test', 'admin@globex.test'],
      microsoft: ['ursula@umbrella.test', 'admin@umbrella.test'],
    },
    connect: async (user, provider, email, decision) => {
      const { client, tokens } = await clientOf(user)
      // Whoever connects while the provider is told of the end is asked once more; here nobody is to be.
      const ending = 'select 1 from user_credentials where client_id = $1 and disconnected_at is not null'
      await until('the end to be over', async () => (await rowsOf(databaseUrl, ending, [client.id])).length === 0)
      const code_verifier = 'v'.repeat(43)
      const query = new URLSearchParams({
        ...{ response_type: 'code', client_id: client.id, redirect_uri: REDIRECT_URI, scope: 'read_only' },
        ...{ provider_name: provider === 'google' ? 'google' : 'exchange', code_challenge_method: 'S256' },
        code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
      })
      const { url } = await visit(`${stage.api.url}/oauth/authorize?${query}`, email, decision)
      // Whoever stops is still on a page of ours.
      const code = url.href.startsWith(REDIRECT_URI) ? url.searchParams.get('code') : null
      if (!code) return
      const exchange = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier }
      const json = { client_id: client.id, client_secret: client.secret, ...exchange }
      tokens.push((await stage.api.must('POST', '/oauth/token', { json })).access_token)
    },
    list: async (user) => {
      const subs = await Promise.all((await clientOf(user)).tokens.map(subOf))
      return [...new Set(subs.filter((sub): sub is string => sub !== undefined))]
    },
    end: async (user, id) => {
      const { client } = await clientOf(user)
      expect((await stage.api.revoke(client, { sub: id })).status).toBe(200)
    },
  }

  /** All that is kept of a user, but for what the dialects' words differ in: ids, times, what was asked for, and who asked. */
  const storedOf = async (user: string, people: readonly string[]) => {
    const whose = clients.has(user) ? [clients.get(user)!.client.id, null] : [client.id, user]
    const accounts = await rowsOf(
      databaseUrl,
      `select a.email, a.provider, a.kind, a.display_name is not null as named, a.organisation_id is not null as tenant,
         a.service_account_id, a.profile_id like 'pro_%' as profile,
         c.registration_id, c.cloud, c.rotation, c.last_checked_error, c.claimed_until,
         c.requires_authentication_since is not null as ailing, c.check_at is not null as watched,
         c.disconnected_at is not null as disconnected,
         (select array_agg(g.revoked_at is not null order by g.revoked_at) from grants g where g.account_id = a.id) as ended_grants
       from accounts a left join user_credentials c on c.id = a.id
       where a.client_id = $1 and a.user_id is not distinct from $2`,
      whose,
    )
    const visits = await rowsOf(
      databaseUrl,
      `select step, provider, ended_at is not null as ended, sealed_attempt, hand_over_hash from sign_ins
       where client_id = $1 and user_id is not distinct from $2`,
      whose,
    )
    const acts = await rowsOf(
      databaseUrl,
      `select act, count(*)::int, bool_and(mailbox is not null) as with_mailbox
       from (select act, mailbox, subject from audit_events union all select act, mailbox, subject from audit_arrivals) as acts
       where subject in (
         select id from accounts where client_id = $1 and user_id is not distinct from $2
         union all select id from sign_ins where client_id = $1 and user_id is not distinct from $2
         union all select g.id from grants g join accounts a on a.id = g.account_id
           where a.client_id = $1 and a.user_id is not distinct from $2
       ) group by act order by act`,
      whose,
    )
    const numbered = accounts.map(
      ({ email, ...rest }): Record<string, unknown> => ({ person: people.indexOf(String(email)), ...rest }),
    )
    return { accounts: sorted(numbered), visits: sorted(visits), acts }
  }

  const play = async (face: Face, user: string, provider: Provider, scenario: string) => {
    const [first, second] = face.people[provider]
    let [before, latest] = [[] as string[], '']
    for (const step of SCENARIOS[scenario]!.steps) {
      if (step === 'end') await face.end(user, latest)
      else if (step === 'the other person') await face.connect(user, provider, second, 'allow')
      else await face.connect(user, provider, first, step)
      const listed = await face.list(user)
      latest = listed.find((id) => !before.includes(id)) ?? latest
      before = listed
    }
    const stored = await storedOf(user, face.people[provider])
    const listed = await face.list(user)
    for (const id of listed) await face.end(user, id)
    return { stored, listed: listed.length }
  }

  /**
   * What an individual connect has in common with the other faces. Each of its codes buys tokens, and so a grant, of its own; a
   * person who stops stays on our page and may try again; and what it ends is taken back at the provider by the clock.
   */
  const withoutTokens = ({ stored: { accounts, visits, acts }, listed }: Awaited<ReturnType<typeof play>>) => ({
    listed,
    visits: visits.length,
    accounts: accounts.map(
      ({ person, provider, kind, named, tenant, profile, service_account_id, ended_grants, ...how }) => {
        const lives = (ended_grants as boolean[]).includes(false)
        return { person, provider, kind, named, tenant, profile, service_account_id, lives, ...(lives && how) }
      },
    ),
    acts: acts.filter(({ act }) => !/^(code|token)\./.test(String(act))),
  })

  describe.each(['google', 'microsoft'] as const)('at %s leaves the same in the database:', (provider) => {
    const scenarios = Object.keys(SCENARIOS).filter((name) => (SCENARIOS[name]!.at ?? provider) === provider)

    it.each(scenarios)('%s', async (scenario) => {
      const { steps, left } = SCENARIOS[scenario]!
      const played = []
      for (const [name, face] of Object.entries(FACES))
        played.push(await play(face, `${scenario} at ${provider} by ${name}`, provider, scenario))
      const [one, ...others] = played
      for (const other of others) expect(other).toEqual(one)
      const byOAuth = await play(BY_OAUTH, `${scenario} at ${provider} by OAuth`, provider, scenario)
      expect(withoutTokens(byOAuth)).toEqual(withoutTokens(one!))
      expect(one!.listed).toBe(left)
      expect(one!.stored.visits).toHaveLength(steps.filter((step) => step !== 'end').length)
      expect(one!.stored.acts).not.toEqual([])
    })
  })

  const PAIRS = Object.keys(FACES).flatMap((made) => Object.keys(FACES).map((seen) => [made, seen] as const))

  it.each(PAIRS.filter(([made, seen]) => made !== seen))(
    'has what another has made: %s connects, %s lists and ends it',
    async (made, seen) => {
      const [one, other] = [FACES[made]!, FACES[seen]!]
      const user = `between ${made} and ${seen}`
      await one.connect(user, 'google', one.people.google[0], 'allow')
      const [id, ...more] = await other.list(user)
      expect(more).toEqual([])
      expect(await other.list(`another than ${user}`)).toEqual([])
      await other.end(user, id!)
      expect(await one.list(user)).toEqual([])
      expect(await other.list(user)).toEqual([])
    },
  )
})

/** Clocks of two requests may be a moment apart, so times say nothing of the order. */
const sorted = <T>(rows: T[]): T[] => rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
