import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { PersonVisit } from './connect-stage.js'
import { type Answer, type Client, REDIRECT_URI } from './public-api.js'
import { Stage } from './stage.js'

// The documents of the dialect's guide, as they stand there.
const GENERATE = `mutation gen_auth_req($input: GenerateAuthorizationRequestInput!) {
  generateAuthorizationRequest(input: $input) {
    url
  }
}`
const FINALIZE = `mutation final_auth($input: FinalizeAuthorizationInput) {
  finalizeAuthorization(input: $input) {
    id
    approver
    provider
    scope
    createdAt
    userInfo {
      email
    }
  }
}`
const FIELDS = '{ id approver provider scope createdAt userInfo { email } }'
const LIST = `query ($filter: AuthorizationsFilter!) { authorizations(filter: $filter) ${FIELDS} }`
const REVOKE = `mutation ($input: RevokeAuthorizationInput!) { revokeAuthorization(input: $input) ${FIELDS} }`

const PEOPLE = {
  GOOGLE: { email: 'anna@acme.test', other: 'ben@acme.test' },
  MICROSOFT: { email: 'bill@initech.test', other: 'milton@initech.test' },
} as const
type Provider = keyof typeof PEOPLE

describe('an application connects accounts of its users by GraphQL', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let client: Client
  let key: string

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    client = await stage.api.addClient('Mailer')
    key = await keyOf(client)
  }, 60_000)
  afterAll(() => stage?.close())

  const keyOf = async ({ id: client_id }: Client): Promise<string> => {
    const scopes = ['oauth-api:query:*', 'oauth-api:mutation:*']
    return (await stage.api.asAdmin('POST', '/admin/v1/keys', { json: { client_id, scopes } })).json.key
  }
  const ask = (query: string, variables: object, shown = key): Promise<Answer> =>
    stage.api.call('POST', '/graphql', { json: { query, variables }, headers: { 'x-api-key': shown } })
  /** @throws unless every field is answered */
  const must = async (query: string, variables: object, shown = key) => {
    const { json, text } = await ask(query, variables, shown)
    if (json.errors) throw new Error(text)
    return Object.values(json.data)[0] as Answer['json']
  }
  const codeOf = async (query: string, variables: object, shown = key): Promise<string | undefined> =>
    (await ask(query, variables, shown)).json.errors?.[0].extensions.code

  const list = (approver: string, more: object = {}, shown = key) =>
    must(LIST, { filter: { approver, ...more } }, shown)

  /** From the mutation to what the client's redirect URI receives. */
  const visit = async (
    provider: Provider,
    approver: string,
    {
      scope = ['EMAIL_SEND', 'USER_INFO_EMAIL'],
      email = PEOPLE[provider].email as string,
      decision = 'allow' as 'allow' | 'deny',
    } = {},
  ) => {
    const { url } = await must(GENERATE, { input: { approver, provider, scope } })
    const person = new PersonVisit(REDIRECT_URI)
    const page = await (decision === 'deny' ? person.deny(url, email) : person.connect(url, email))
    return page.url.searchParams
  }
  const returned = (query: URLSearchParams) => ({ state: query.get('state'), code: query.get('code') })
  const connect = async (...visited: Parameters<typeof visit>) =>
    must(FINALIZE, { input: returned(await visit(...visited)) })

  describe.each(['GOOGLE', 'MICROSOFT'] as const)('at %s', (provider) => {
    it('from the link to an authorization, which is listed and revoked', async () => {
      const approver = `user of ${provider}`
      const made = await connect(provider, approver)
      expect(made).toEqual({
        ...{ id: expect.stringMatching(/^aut_[0-9a-f]{24}$/), approver, provider },
        ...{ scope: ['EMAIL_SEND', 'USER_INFO_EMAIL'], createdAt: expect.stringMatching(/^\d{4}-.*Z$/) },
        userInfo: { email: PEOPLE[provider].email },
      })
      expect(await list(approver)).toEqual([made])
      expect(await list(approver, { scope: ['EMAIL_SEND'] })).toEqual([made])
      expect(await list(approver, { scope: ['EMAIL_READ'] })).toEqual([])
      expect(await list('somebody else')).toEqual([])

      expect(await must(REVOKE, { input: { id: made.id, approver } })).toEqual(made)
      expect(await list(approver)).toEqual([])
      expect(await codeOf(REVOKE, { input: { id: made.id, approver } })).toBe('not_found')
    })

    it('and again: the same authorization, whatever is left of the first', async () => {
      const first = await connect(provider, `twice at ${provider}`)
      const second = await connect(provider, `twice at ${provider}`)
      expect(second).toEqual(first)
      expect(await list(`twice at ${provider}`)).toEqual([first])
    })

    it('and not, where the person says no: the redirect says so', async () => {
      const query = await visit(provider, 'unwilling', { email: PEOPLE[provider].other, decision: 'deny' })
      const [error, code, state] = ['error', 'code', 'state'].map((name) => query.get(name))
      expect([error, code, state]).toEqual(['access_denied', null, expect.stringMatching(/^sig_/)])
      expect(await list('unwilling')).toEqual([])
    })
  })

  it('has an address only where it was asked for', async () => {
    const { userInfo } = await connect('GOOGLE', 'shy', { scope: ['EMAIL_READ'] })
    expect(userInfo).toEqual({ email: null })
  })

  it('uses a code once, with its own state, and for the client that began alone', async () => {
    const rival = await stage.api.addClient('Rival')
    const rivals = await keyOf(rival)
    const input = returned(await visit('GOOGLE', 'once'))
    expect(await codeOf(FINALIZE, { input }, rivals)).toBe('not_found')
    expect(await codeOf(FINALIZE, { input: { ...input, code: 'x'.repeat(32) } })).toBe('not_found')
    expect(await codeOf(FINALIZE, { input: { ...input, state: 'of nobody' } })).toBe('not_found')
    const { id } = await must(FINALIZE, { input })
    expect(await codeOf(FINALIZE, { input })).toBeDefined()
    expect(await list('once', {}, rivals)).toEqual([])
    expect(await codeOf(REVOKE, { input: { id, approver: 'once' } }, rivals)).toBe('not_found')
    expect(await codeOf(REVOKE, { input: { id, approver: 'another' } })).toBe('not_found')
    expect(await list('once')).toHaveLength(1)
  })

  it.each([
    [{ approver: '', provider: 'GOOGLE', scope: ['EMAIL_SEND'] }, 'input.approver'],
    [{ approver: 'a\u001b[2J', provider: 'GOOGLE', scope: ['EMAIL_SEND'] }, 'input.approver'],
    [{ approver: 'u', provider: 'GOOGLE', scope: [] }, 'input.scope'],
  ])('begins nothing for %j, and says why', async (input, field) => {
    const { json } = await ask(GENERATE, { input })
    expect(json).toMatchObject({
      data: { generateAuthorizationRequest: null },
      errors: [{ message: expect.stringContaining(field), extensions: { code: 'validation_failed' } }],
    })
  })

  it('puts no code, state or key in the log', async () => {
    const query = await visit('GOOGLE', 'logged')
    await must(FINALIZE, { input: returned(query) })
    for (const secret of [query.get('code')!, query.get('state')!, key])
      expect(stage.logged.join()).not.toContain(secret)
  })
})
