import { buildClientSchema, buildSchema, getIntrospectionQuery, printSchema } from 'graphql'
import { API_OPERATIONS } from '#domain/clients/api-key-scopes.js'
import type { CallerKey } from '#domain/clients/authenticate-api-key.js'
import { ApiError, unavailable } from '#platform/errors/api-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { Log } from '#platform/observability/log.js'
import { withOrigin } from '#platform/observability/origin.js'
import type { RootFields } from './root-fields.js'
import { type GraphqlRequest, RunRequest } from './run-request.js'
import { SDL } from './schema.js'

const AUTHORIZATION = {
  ...{ id: 'aut_1', approver: 'user-7', provider: 'GOOGLE', scope: ['EMAIL_SEND', 'USER_INFO_EMAIL'] },
  ...{ createdAt: '2026-11-22T04:30:00.000Z', userInfo: { email: 'anna@acme.test' } },
}
const REQUEST = { url: 'https://accounts.example.com/?state=s', state: 's' }

describe('the GraphQL face', () => {
  const logged: string[] = []
  let called: [field: string, input: unknown][] = []
  let thrown: unknown
  const answering = (field: string, answer: unknown) => (input: unknown) => {
    called.push([field, input])
    if (thrown) throw thrown
    return answer
  }
  const fields: RootFields = {
    query: { authorizations: answering('authorizations', [AUTHORIZATION]), version: answering('version', '1') },
    mutation: {
      finalizeAuthorization: answering('finalizeAuthorization', AUTHORIZATION),
      generateAuthorizationRequest: answering('generateAuthorizationRequest', REQUEST),
      revokeAuthorization: answering('revokeAuthorization', AUTHORIZATION),
    },
  }
  const face = new RunRequest(fields, new Log('info', (line) => logged.push(line)))
  const ALL = ['oauth-api:query:*', 'oauth-api:mutation:*']
  const keyFor = (...scopes: string[]): CallerKey => ({ id: 'key_1', clientId: 'cli_1', scopes })

  const run = (request: GraphqlRequest, scopes = ALL) =>
    withOrigin({ actor: 'client:cli_1', address: null, requestId: 'req_1' }, () => face.run(request, keyFor(...scopes)))
  const refusal = async (request: GraphqlRequest | string, scopes?: string[]) => {
    const answer = await run(typeof request === 'string' ? { query: request } : request, scopes)
    expect(answer).toEqual({ errors: expect.any(Array) })
    return answer.errors![0]!
  }

  beforeEach(() => {
    called = []
    thrown = undefined
    logged.length = 0
  })

  it('does not start when an operation has nothing that answers it, or the other way round', () => {
    const { version: _, ...query } = fields.query
    expect(() => new RunRequest({ ...fields, query }, new Log('silent'))).toThrow(/authorizations,version/)
    expect(() => new RunRequest({ ...fields, query: { ...fields.query, more: () => 1 } }, new Log('silent'))).toThrow(
      /more/,
    )
  })

  describe('takes the documents of the guide as they stand:', () => {
    it('generateAuthorizationRequest', async () => {
      const query = `mutation gen_auth_req($input: GenerateAuthorizationRequestInput!) {
        generateAuthorizationRequest(input: $input) {
          url
        }
      }`
      const input = { approver: 'YOUR_USER_ID', provider: 'GOOGLE', scope: ['EMAIL_SEND', 'USER_INFO_EMAIL'] }
      expect(await run({ query, variables: { input } })).toEqual({
        data: { generateAuthorizationRequest: { url: REQUEST.url } },
      })
      expect(called).toEqual([['generateAuthorizationRequest', { input }]])
    })

    /** The guide declares the variable without its exclamation mark. */
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

    it('finalizeAuthorization', async () => {
      const input = { state: 'YOUR_STATE', code: 'YOUR_AUTHORIZATION_CODE' }
      expect(await run({ query: FINALIZE, variables: { input } })).toEqual({
        data: { finalizeAuthorization: AUTHORIZATION },
      })
      expect(called).toEqual([['finalizeAuthorization', { input }]])
    })

    it.each([undefined, {}, { input: null }])('but not without the input: %j', async (variables) => {
      const { data, errors } = await run({ query: FINALIZE, variables })
      expect(data).toEqual({ finalizeAuthorization: null })
      expect(errors).toMatchObject([{ message: expect.stringContaining('"input"'), path: ['finalizeAuthorization'] }])
      expect(called).toEqual([])
    })
  })

  describe('lets a key see what its scopes name, field by field:', () => {
    const BOTH = '{ version authorizations(filter: { approver: "user-7" }) { id } }'

    it('what it may not see is null, with the scope that it needs', async () => {
      expect(await run({ query: BOTH }, ['oauth-api:query:version'])).toEqual({
        data: { version: '1', authorizations: null },
        errors: [
          {
            message: expect.stringContaining('oauth-api:query:authorizations'),
            path: ['authorizations'],
            locations: [{ line: 1, column: 11 }],
            extensions: { code: 'insufficient_scope' },
          },
        ],
      })
      expect(called).toEqual([['version', {}]])
    })

    it.each(Object.entries(API_OPERATIONS).flatMap(([kind, names]) => names.map((name) => [kind, name] as const)))(
      'no %s %s without its scope, and nothing is called',
      async (kind, name) => {
        const type = buildSchema(SDL)[kind === 'query' ? 'getQueryType' : 'getMutationType']()!
        const [argument] = type.getFields()[name]!.args
        const declared = argument ? `($a: ${argument.type})` : ''
        const values: Record<string, object> = {
          authorizations: { approver: 'u' },
          finalizeAuthorization: { state: 's', code: 'c' },
          generateAuthorizationRequest: { approver: 'u', provider: 'GOOGLE', scope: ['EMAIL_READ'] },
          revokeAuthorization: { id: 'i', approver: 'u' },
        }
        const below = name === 'version' ? '' : '{ __typename }'
        const query = `${kind} ${declared} { renamed: ${name}${argument ? `(${argument.name}: $a)` : ''} ${below} }`
        const others = Object.entries(API_OPERATIONS).flatMap(([each, all]) =>
          all.filter((other) => other !== name).map((other) => `oauth-api:${each}:${other}`),
        )
        const other = kind === 'query' ? 'oauth-api:mutation:*' : 'oauth-api:query:*'
        const { data, errors } = await run({ query, variables: { a: values[name] } }, [...others, other])
        expect([data, errors?.[0]?.extensions.code]).toEqual([{ renamed: null }, 'insufficient_scope'])
        expect(called).toEqual([])
        expect((await run({ query, variables: { a: values[name] } })).errors).toBeUndefined()
        expect(called).toHaveLength(1)
      },
    )

    it('a variable that is not given is not given, whatever its name', async () => {
      const query = 'query ($toString: [Scope]) { authorizations(filter: { approver: "u", scope: $toString }) { id } }'
      expect((await run({ query, variables: {} })).errors).toBeUndefined()
    })

    it('the schema itself is for every key, whole', async () => {
      const { data } = await run(
        { query: getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true }) },
        [],
      )
      expect(printSchema(buildClientSchema(data as never))).toBe(printSchema(buildSchema(SDL)))
    })
  })

  describe('bounds what one request may ask:', () => {
    it('nothing of a document runs that asks for too much', async () => {
      const many = Array.from({ length: 50 }, (_, i) => `a${i}: authorizations(filter: { approver: "u" }) { id }`)
      expect(await refusal(`{ ${many.join(' ')} }`)).toMatchObject({ message: expect.stringContaining('too much') })
      expect(called).toEqual([])
    })

    it('no lists of the schema within one another', async () => {
      const query =
        '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }'
      expect(await refusal(query)).toMatchObject({ message: expect.stringMatching(/introspection depth/i) })
    })

    it('a thousand words', async () => {
      expect(await refusal(`{ ${'version '.repeat(1_000)} }`)).toMatchObject({
        message: expect.stringContaining('1000 tokens'),
      })
      expect(await refusal(`${'{ version '.repeat(50_000)}`)).toMatchObject({ extensions: { code: 'invalid_request' } })
    })
  })

  describe('says what is wrong, where, and repeats no value:', () => {
    const SECRET = 'code-4711-of-a-user'
    const finalize = (input: string) => `mutation { finalizeAuthorization(input: ${input}) { id } }`
    const withVariable =
      'mutation ($input: FinalizeAuthorizationInput!) { finalizeAuthorization(input: $input) { id } }'
    const generate =
      'mutation ($input: GenerateAuthorizationRequestInput!) { generateAuthorizationRequest(input: $input) { url } }'

    it.each<[what: string, request: GraphqlRequest, says: RegExp]>([
      ['no document', { query: SECRET }, /Syntax Error/],
      ['text where a name belongs', { query: `{ "${SECRET}" }` }, /Syntax Error: Expected Name/],
      ['a word where none belongs', { query: '{ version } code4711ofauser' }, /^Syntax Error: Unexpected Name\.?$/],
      ['half a document', { query: `{ version(a: "${SECRET}"` }, /Syntax Error/],
      ['a field that is not there', { query: '{ versions }' }, /Cannot query field "versions".*Did you mean "version"/],
      [
        'an argument of the wrong kind',
        { query: finalize(`{ state: 1, code: "${SECRET}" }`) },
        /String cannot represent a non string value/,
      ],
      [
        'text for an object',
        { query: finalize(`"${SECRET}"`) },
        /Expected value of type "FinalizeAuthorizationInput!"/,
      ],
      [
        'text for an enum',
        {
          query: `mutation { generateAuthorizationRequest(input: { approver: "u", provider: "${SECRET}", scope: [] }) { url } }`,
        },
        /Enum "Provider" cannot represent/,
      ],
      [
        'a missing field',
        { query: withVariable, variables: { input: { code: SECRET } } },
        /\$input is wrong: Field "state" of required type "String!" was not provided/,
      ],
      [
        'a wrong value',
        { query: withVariable, variables: { input: { state: 's', code: [SECRET] } } },
        /\$input\.code is wrong: String cannot represent a non string value/,
      ],
      [
        'an object for text',
        { query: withVariable, variables: { input: { state: 's', code: { [SECRET]: 1 } } } },
        /\$input\.code is wrong/,
      ],
      [
        'text for an input',
        { query: withVariable, variables: { input: SECRET } },
        /\$input is wrong: Expected type "FinalizeAuthorizationInput" to be an object/,
      ],
      [
        'an enum that is not one',
        { query: generate, variables: { input: { approver: 'u', provider: SECRET, scope: [] } } },
        /\$input\.provider is wrong: This value does not exist in the "Provider" enum/,
      ],
      [
        'null in a list',
        { query: generate, variables: { input: { approver: 'u', provider: 'GOOGLE', scope: [null] } } },
        /\$input\.scope\.0 is wrong: Expected non-nullable type "Scope!" not to be null/,
      ],
      [
        'no input',
        { query: withVariable, variables: {} },
        /Variable "\$input" of required type "FinalizeAuthorizationInput!" was not provided/,
      ],
      [
        'a variable of another type',
        {
          query: 'mutation ($input: String) { finalizeAuthorization(input: $input) { id } }',
          variables: { input: SECRET },
        },
        /of type "String" used in position expecting type "FinalizeAuthorizationInput!"/,
      ],
      [
        'a list of what may be null',
        {
          query:
            'mutation ($s: [Scope]) { generateAuthorizationRequest(input: { approver: "u", provider: GOOGLE, scope: $s }) { url } }',
          variables: { s: [null] },
        },
        /position expecting type "\[Scope!\]!"/,
      ],
      ['another operation', { query: '{ version }', operationName: 'other' }, /operation of the name in operationName/],
      ['none of two operations', { query: 'query a { version } query b { version }' }, /several operations/],
      ['a subscription', { query: 'subscription { version }' }, /subscription/i],
    ])('%s', async (_what, request, says) => {
      const { data, errors = [] } = await run(request)
      expect([data ?? null, errors[0]?.extensions]).toEqual([null, { code: 'invalid_request' }])
      expect(errors[0]!.message).toMatch(says)
      expect(JSON.stringify(errors) + logged.join()).not.toContain(SECRET)
      expect(called).toEqual([])
    })

    it('ten problems, however many there are', async () => {
      const input = { approver: 'u', provider: 'GOOGLE', scope: Array(20_000).fill(SECRET) }
      const { errors } = await run({ query: generate, variables: { input } })
      expect(errors).toHaveLength(10)
      expect(JSON.stringify(errors)).not.toContain(SECRET)
    })

    it.each<[what: string, variables: object]>([
      ['null in a field that must be there', { state: null }],
      ['nothing in it', {}],
    ])('%s, by a variable that may be null', async (_what, variables) => {
      const query = `mutation ($state: String) { finalizeAuthorization(input: { state: $state, code: "${SECRET}" }) { id } }`
      const { data, errors } = await run({ query, variables: { ...variables } })
      expect(data).toEqual({ finalizeAuthorization: null })
      expect(errors![0]!.message).toMatch(/"input" lacks something/)
      expect(JSON.stringify(errors)).not.toContain(SECRET)
      expect(called).toEqual([])
    })
  })

  describe('answers what a field throws in the terms of GraphQL:', () => {
    const failing = async (error: unknown) => {
      thrown = error
      const { data, errors } = await run({ query: '{ version }' })
      expect(data).toEqual({ version: null })
      return errors
    }

    it('our own errors, with their code', async () => {
      const gone = new ApiError({ code: 'not_found', status: 404, publicText: 'It is not there.', detail: 'inner' })
      expect(await failing(gone)).toEqual([
        {
          message: 'It is not there.',
          extensions: { code: 'not_found' },
          path: ['version'],
          locations: expect.any(Array),
        },
      ])
      expect(await failing(unavailable('Later.', 30))).toMatchObject([
        { message: 'Later.', extensions: { code: 'unavailable', retryAfter: 30 } },
      ])
      expect(await failing(invalidField('input.scope', 'errors.required', 'required'))).toMatchObject([
        {
          message: 'input.scope: required.',
          extensions: { code: 'validation_failed', problems: { 'input.scope': expect.any(Array) } },
        },
      ])
    })

    it('a store that is away, as such', async () => {
      expect(await failing(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toMatchObject([
        { extensions: { code: 'unavailable', retryAfter: expect.any(Number) } },
      ])
    })

    it('everything else, as a fixed text with an id to ask about', async () => {
      const errors = await failing(new Error('select secret from table'))
      expect(errors).toMatchObject([
        { message: expect.stringContaining('req_1'), extensions: { code: 'server_error', requestId: 'req_1' } },
      ])
      expect(JSON.stringify(errors)).not.toMatch(/select|\.ts:/)
      expect(logged.join()).toContain('graphql.field_failed')
    })
  })
})
