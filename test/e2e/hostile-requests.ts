import fc from 'fast-check'
import type {
  JsonSchema,
  OpenApiDocument,
  Operation,
  Parameter,
  Paths,
} from '#platform/http/openapi/openapi-document.js'

/** What a hostile caller may know: enough to get past the first door. */
export interface Loot {
  accessToken: string
  /** For the routes that take a mailbox's and no service account's. */
  mailboxToken: string
  adminKey: string
  apiKey: string
  /** Of a user of the client. */
  userToken: string
  client: { id: string; secret: string }
  /** What the document leaves open, as it should be, by the name of its field. */
  files: Record<string, object>
  cookie: string
  /** Real ids, by the beginning of the route that they belong to. */
  ids: Record<string, string>
  callbackUrl: string
}

export interface HostileRequest {
  route: string
  method: string
  target: string
  headers: Record<string, string>
  body?: string | Buffer
  chunked: boolean
}

const graphqlAnswer = (description: string) => ({
  description,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        properties: { data: { type: ['object', 'null'] }, errors: { type: 'array', items: { required: ['message'] } } },
        additionalProperties: false,
        minProperties: 1,
      } as JsonSchema,
    },
  },
})

/** What the document would say of GraphQL if it were not about REST alone. */
export const GRAPHQL: Paths = {
  '/graphql': {
    post: {
      operationId: 'graphql',
      tags: [],
      summary: 'GraphQL',
      security: [{ apiKey: [] }],
      parameters: [],
      requestBody: {
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                query: { type: 'string' },
                operationName: { anyOf: [{ type: 'string' }, { type: 'null' }] },
                variables: {
                  type: 'object',
                  properties: {
                    filter: { type: 'object', properties: { approver: { type: 'string' }, scope: scopesOfSocrate() } },
                    input: {
                      type: 'object',
                      properties: {
                        ...{ approver: { type: 'string' }, id: { type: 'string' }, state: { type: 'string' } },
                        ...{
                          code: { type: 'string' },
                          provider: { enum: ['GOOGLE', 'MICROSOFT'] },
                          scope: scopesOfSocrate(),
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
      responses: {
        ...Object.fromEntries([200, 400, 401, 413, 415, 503].map((status) => [status, graphqlAnswer(`${status}`)])),
        // Refused by the parser, before there is a path.
        431: { description: 'Too long.' },
      },
    },
  },
}

function scopesOfSocrate(): JsonSchema {
  return { type: 'array', items: { enum: ['EMAIL_SEND', 'EMAIL_READ', 'USER_INFO_EMAIL'] } }
}

const DOCUMENTS = [
  '{ version }',
  'query ($filter: AuthorizationsFilter!) { authorizations(filter: $filter) { id userInfo { email } } }',
  'mutation ($input: GenerateAuthorizationRequestInput!) { generateAuthorizationRequest(input: $input) { url state } }',
  'mutation ($input: FinalizeAuthorizationInput) { finalizeAuthorization(input: $input) { id } }',
  'mutation ($input: RevokeAuthorizationInput!) { revokeAuthorization(input: $input) { id } }',
  'mutation ($input: [String]) { revokeAuthorization(input: $input) { id } }',
  '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
  '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }',
  `{ ${'version '.repeat(300)} }`,
  `${'{ a '.repeat(5_000)}`,
  `{ a(b: ${'['.repeat(5_000)}`,
  'subscription { version }',
  '{ version @skip(if: true) @include(if: $x) }',
  '{"kind":"Document","definitions":[]}',
]

/** Strings that have broken something somewhere. */
const NASTY = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'a\udfffb',
  '\r\nx-injected: 1',
  'a\r\nlocation: https://evil.test/',
  '\u2028\u2029\u0085',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  "' or 1=1 --",
  '"><script>alert(1)</script>',
  '{{7*7}}',
  '%00%0d%0a%zz',
  'null',
  'NaN',
  '-1',
  '1e999',
  '9'.repeat(400),
  'x'.repeat(5_000),
  '\u202e\u200b\ufeff',
  'İıſK',
]
const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 40 }))
const anything = fc.oneof(
  nasty,
  fc.constantFrom<unknown>(null, true, 0, -1, 1e308, 2 ** 53, [], {}, [[]], [null], {
    toString: 1,
    valueOf: 1,
  }),
  fc.array(nasty, { maxLength: 3 }),
  fc.dictionary(nasty, nasty, { maxKeys: 3 }),
)

/** Mostly what the schema wants, so that what is wrong reaches deeper than the first check. */
function sentFor(schema: JsonSchema, loot: Loot, name = ''): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 4, arbitrary: fittingValue(schema, loot, name) }, { weight: 1, arbitrary: anything })
}

function fittingValue(schema: JsonSchema, loot: Loot, name: string): fc.Arbitrary<unknown> {
  const alternatives = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined
  if (alternatives) return fc.oneof(...alternatives.map((each) => sentFor(each, loot, name)))
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.type === 'array') return fc.array(sentFor(schema.items as JsonSchema, loot), { maxLength: 3 })
  if (schema.type === 'integer') return fc.integer({ min: -1, max: 101 })
  if (schema.type === 'null') return fc.constant(null)
  if (schema.properties) return fittingObject(schema, loot)
  return fc.oneof(fc.constantFrom(...knownFor(name, loot)), nasty)
}

const fittingObject = (schema: JsonSchema, loot: Loot) =>
  fc
    .tuple(
      fc.record(
        Object.fromEntries(
          Object.entries(schema.properties!).map(([key, value]) => [key, sentFor(value as JsonSchema, loot, key)]),
        ),
        { requiredKeys: [] },
      ),
      fc.option(fc.tuple(nasty, anything), { freq: 8 }),
    )
    .map(([object, extra]) => (extra ? { ...object, [extra[0]]: extra[1] } : object))

function knownFor(name: string, { client, callbackUrl, ids, accessToken, mailboxToken }: Loot): string[] {
  const known: Record<string, string[]> = {
    client_id: [client.id],
    client_secret: [client.secret],
    grant_type: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    subject_token: [accessToken, mailboxToken],
    subject_token_type: ['urn:ietf:params:oauth:token-type:access_token'],
    audience: ['google', 'microsoft'],
    resource: ['https://www.googleapis.com/', 'https://user:x@graph.microsoft.com/#x', 'urn:x'],
    redirect_uri: [callbackUrl],
    callback_url: [callbackUrl, 'http://127.0.0.1:1/', 'https://user:x@evil.test'],
    email: ['anna@acme.test', 'x@x', '@', 'ANNA@ACME.TEST'],
    scope: ['read_only', 'read_only free_busy', 'root'],
    cursor: [ids['/v1'] ?? ''],
    redirect_uris: ['https://app.test/x'],
    query: DOCUMENTS,
  }
  return known[name] ?? ['x', 'name', 'https://app.test']
}

const pathSegment = (route: string, loot: Loot) => {
  const real = Object.entries(loot.ids).find(([prefix]) => route.startsWith(prefix))?.[1] ?? 'x'
  const written = [
    '%00',
    '%0d%0ax-injected:%201',
    '%ed%a0%80',
    '%ff',
    '%2e%2e',
    '..%2f..',
    '%zz',
    '%',
    'a b',
    'x'.repeat(600),
  ]
  return fc.oneof(
    fc.constant(real),
    // An empty segment is another route's address.
    nasty.filter((text) => text !== '').map(encoded),
    fc.constantFrom(...written.map((text) => text.replace(' ', '%20'))),
  )
}

const encoded = (text: string) => encodeURIComponent(text.toWellFormed())

const target = (route: string, parameters: Parameter[], loot: Loot) => {
  const inQuery = parameters.filter((parameter) => parameter.in === 'query')
  const pair = fc.oneof(
    ...inQuery.map(({ name, schema }) =>
      sentFor(schema, loot, name).map((value) => `${name}=${encoded(String(jsonOf(value)))}`),
    ),
    nasty.map((text) => `${encoded(text)}=1`),
    fc.constantFrom(
      '__proto__[x]=1',
      'a[]=1&a[]=2',
      '&&=&',
      '%zz=%zz',
      'access_token=x',
      ...inQuery.map(({ name }) => `${name}[]=1&${name}=2`),
    ),
  )
  return fc
    .tuple(pathSegment(route, loot), fc.array(pair, { maxLength: 4 }))
    .map(([segment, pairs]) => route.replace(/\{\w+\}/, segment) + (pairs.length > 0 ? `?${pairs.join('&')}` : ''))
}

const jsonOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

/** A body as the schema wants it, and what becomes of it on the way. */
function body(schema: JsonSchema | undefined, loot: Loot): fc.Arbitrary<{ text: string; type: string }> {
  const value = schema ? sentFor(schema, loot) : anything
  const json = value.map((sent) => ({ text: JSON.stringify(sent) ?? '', type: 'application/json' }))
  const form = value.map((sent) => ({
    text: new URLSearchParams(
      Object.entries(sent ?? {}).map(([name, each]) => [name, String(jsonOf(each))]),
    ).toString(),
    type: 'application/x-www-form-urlencoded',
  }))
  const broken = fc
    .tuple(json, fc.constantFrom(cutShort, twice, poisoned, nested, wide, withHugeNumber))
    .map(([sent, spoil]) => ({ ...sent, text: spoil(sent.text) }))
  const mistyped = fc.tuple(json, fc.constantFrom(...TYPES)).map(([{ text }, type]) => ({ text, type }))
  return fc.oneof(
    { weight: 5, arbitrary: json },
    { weight: 2, arbitrary: form },
    { weight: 2, arbitrary: broken },
    mistyped,
  )
}

const cutShort = (text: string) => text.slice(0, -1)
const twice = (text: string) => text.replace(/^\{("[^"]*"):/, '{$1:1,$1:')
const poisoned = (text: string) =>
  text.replace(/^\{/, '{"__proto__":{"admin":true},"constructor":{"prototype":{}},').replace(',}', '}')
const nested = () => '['.repeat(20_000) + ']'.repeat(20_000)
const wide = () => `{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":${i}`).join()}}`
const withHugeNumber = (text: string) => text.replace(/:[^,}]*/, `:${'9'.repeat(2_000)}`)

const TYPES = [
  '',
  'text/plain',
  'application/xml',
  'multipart/form-data',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/json; charset="; charset=utf-8',
  'application/x-www-form-urlencoded; charset=shift_jis',
  'application/json, application/xml',
  '/',
]

const headerText = fc.constantFrom(
  '',
  'x',
  'Bearer',
  'Bearer undefined',
  'Basic',
  'Basic OjpvOg==',
  'Basic AAAA',
  `Bearer ${'x'.repeat(3_000)}`,
  '\xff\xfe',
  '"',
  ';;;=',
)

/** What gets past the first door of a route, and the header that it is shown in. */
function keyTo({ security }: Operation, route: string, loot: Loot): [name: string, right: string | undefined] {
  const scheme = security.flatMap(Object.keys)[0]
  const right = {
    accessToken: `Bearer ${route.startsWith('/v1/proxy/') ? loot.mailboxToken : loot.accessToken}`,
    adminKey: `Bearer ${loot.adminKey}`,
    userToken: `Bearer ${loot.userToken}`,
    clientBasic: basic(loot.client.id, loot.client.secret),
    apiKey: loot.apiKey,
  }[scheme ?? '']
  return [scheme === 'apiKey' ? 'x-api-key' : 'authorization', right]
}

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

function headers(operation: Operation, route: string, loot: Loot): fc.Arbitrary<Record<string, string>> {
  const [name, right] = keyTo(operation, route, loot)
  const shown = right ? fc.oneof({ weight: 6, arbitrary: fc.constant(right) }, headerText) : headerText
  const isPage = route.startsWith('/enterprise_connect')
  return fc.record(
    {
      [name]: shown,
      cookie: isPage
        ? fc.constantFrom(loot.cookie, loot.cookie, 'mandate-x=%zz', ';;=', '__Host-mandate-con_=')
        : headerText,
      host: fc.constantFrom('evil.test', '[::1', '', 'a'.repeat(300), '127.0.0.1:1'),
      origin: fc.constantFrom('https://evil.test', 'null', 'nonsense'),
      'x-forwarded-for': fc.constantFrom('192.0.2.1', 'x', '1.2.3.4, 5.6.7.8', ','.repeat(100)),
      'x-forwarded-host': fc.constant('evil.test'),
      'x-forwarded-proto': fc.constantFrom('https', 'javascript'),
      forwarded: fc.constant('for=192.0.2.1;host=evil.test'),
      'idempotency-key': fc.oneof(headerText, fc.constant('k'.repeat(300))),
      'content-encoding': fc.constantFrom('gzip', 'br, gzip', 'x'),
      'x-request-id': fc.constant('req_of_my_own'),
      'access-control-request-method': fc.constant('POST'),
    },
    { requiredKeys: right ? [name] : isPage ? ['cookie'] : [] },
  )
}

/** Requests at every route of the document, each about as often as the others. */
export function hostileRequests({ paths }: OpenApiDocument, loot: Loot): fc.Arbitrary<HostileRequest> {
  const routes = Object.entries(paths).flatMap(([route, methods]) =>
    Object.entries(methods).map(([method, operation]) => at(route, method, operation, loot)),
  )
  return fc.oneof(...routes)
}

function at(route: string, method: string, operation: Operation, loot: Loot): fc.Arbitrary<HostileRequest> {
  const [content] = Object.values(operation.requestBody?.content ?? {})
  const sent =
    method === 'get' ? fc.constant(undefined) : fc.option(body(content?.schema, loot), { nil: undefined, freq: 8 })
  return fc
    .record({
      target: target(route, operation.parameters, loot),
      headers: headers(operation, route, loot),
      sent,
      chunked: fc.boolean(),
    })
    .map(({ target, headers, sent, chunked }) => ({
      route,
      method: method.toUpperCase(),
      target,
      headers: sent ? { ...headers, 'content-type': sent.type } : headers,
      ...(sent && { body: sent.text }),
      chunked,
    }))
}

/** One for each place of the document where a text may stand: U+0000 there, and the rest as it should be. */
export function requestsWithNul({ paths }: OpenApiDocument, loot: Loot): HostileRequest[] {
  return Object.entries(paths).flatMap(([route, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => withNul(route, method, operation, loot)),
  )
}

function withNul(route: string, method: string, operation: Operation, loot: Loot): HostileRequest[] {
  const [name, right] = keyTo(operation, route, loot)
  const id = Object.entries(loot.ids).find(([prefix]) => route.startsWith(prefix))?.[1] ?? 'x'
  const target = route.replace(/\{\w+\}/, id)
  const plain: HostileRequest = {
    ...{ route, method: method.toUpperCase(), target, chunked: false },
    headers: { cookie: loot.cookie, ...(right && { [name]: right }) },
  }
  const inQuery = operation.parameters.filter((parameter) => parameter.in === 'query')
  const known = inQuery
    .filter(({ required }) => required)
    .map(({ name, schema }) => [name, plainValue(schema, loot, name)])
  return [
    ...[...route.matchAll(/\{\w+\}/g)].flatMap(([parameter]) =>
      ['%00', `${id}%00`].map((segment) => ({ ...plain, target: route.replace(parameter, segment) })),
    ),
    ...inQuery.map(({ name }) => {
      const query = new URLSearchParams({ ...Object.fromEntries(known), [name]: 'x\0' })
      return { ...plain, target: `${target}?${query}` }
    }),
    ...Object.entries(operation.requestBody?.content ?? {}).flatMap(([type, { schema }]) =>
      bodiesWithNul(route, schema, loot).map((sent) => ({
        ...{ ...plain, headers: { ...plain.headers, 'content-type': type } },
        body:
          type === 'application/json'
            ? JSON.stringify(sent)
            : new URLSearchParams(sent as Record<string, string>).toString(),
      })),
    ),
    ...(operation.security.flatMap(Object.keys).includes('clientBasic')
      ? ['x\0', 'x%00'].map((id) => ({ ...plain, headers: { authorization: basic(id, loot.client.secret) } }))
      : []),
  ]
}

const bodiesWithNul = (route: string, schema: JsonSchema, loot: Loot): unknown[] =>
  (route === '/graphql' ? GRAPHQL_ASKED : plainValues(schema, loot)).flatMap(poisonings)

/** With what has to be there alone, and with each of what may be there besides. */
function plainValues(schema: JsonSchema, loot: Loot, name = ''): unknown[] {
  if (loot.files[name]) return [loot.files[name]]
  const alternatives = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined
  if (alternatives) return alternatives.flatMap((each) => plainValues(each, loot, name))
  if (schema.const !== undefined) return [schema.const]
  if (schema.enum) return [schema.enum[0]]
  if (schema.type === 'array') return plainValues(schema.items as JsonSchema, loot, name).map((item) => [item])
  if (schema.type === 'integer') return [1]
  if (schema.type === 'boolean') return [true]
  if (schema.type === 'null') return [null]
  if (schema.type === 'object' && !schema.properties) return [{ x: 'x' }]
  if (!schema.properties) return [knownFor(name, loot)[0]]
  const needed = Object.fromEntries(
    (schema.required ?? []).map((key) => [key, plainValue(schema.properties![key] as JsonSchema, loot, key)]),
  )
  return Object.entries(schema.properties).flatMap(([key, value]) =>
    plainValues(value as JsonSchema, loot, key).map((each) => ({ ...needed, [key]: each })),
  )
}

const plainValue = (schema: JsonSchema, loot: Loot, name: string) => plainValues(schema, loot, name)[0]

/** The value once for each of its texts, and each name of a field, with U+0000 in its place. */
function poisonings(value: unknown): unknown[] {
  if (typeof value === 'string') return [`${value}\0`]
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return poisonings(value[0]).map((item) => [item])
  return Object.entries(value).flatMap(([key, each]) => [
    ...poisonings(each).map((poisoned) => ({ ...value, [key]: poisoned })),
    { ...value, 'x\0': each },
  ])
}

const GRAPHQL_ASKED = [
  [DOCUMENTS[1], { filter: { approver: 'user-1' } }],
  [DOCUMENTS[2], { input: { approver: 'user-1', provider: 'GOOGLE', scope: ['USER_INFO_EMAIL'] } }],
  [DOCUMENTS[3], { input: { state: 'x', code: 'x' } }],
  [DOCUMENTS[4], { input: { approver: 'user-1', id: 'x' } }],
  ['mutation { revokeAuthorization(input: { approver: "user-1", id: "a\\u0000b" }) { id } }', {}],
].map(([query, variables]) => ({ query, variables }))
