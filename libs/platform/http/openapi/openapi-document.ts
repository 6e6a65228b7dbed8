import { z } from 'zod'
import { errorAnswer, REFUSALS, validationAnswer } from './answers.js'
import type { Access, Answer, DescribedHandler } from './describe-route.js'
import type { Method, ServedRoute } from './route-table.js'

export type JsonSchema = z.core.JSONSchema.BaseSchema

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  description?: string
  schema: JsonSchema
}

export interface AnswerObject {
  description: string
  headers?: object
  content?: Record<string, { schema?: JsonSchema }>
}

export interface Operation {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  security: Record<string, string[]>[]
  parameters: Parameter[]
  requestBody?: { content: Record<string, { schema: JsonSchema }> }
  responses: Record<string, AnswerObject | { $ref: string }>
}

export type Paths = Record<string, Partial<Record<Method, Operation>>>

/** Of everything that is promised outside. */
export const API_VERSION = '1'

/** One OpenAPI 3.1 document of these routes. */
export function openApiDocument(routes: readonly ServedRoute[], origin: string) {
  const paths: Paths = {}
  const idOf = operationIds()
  for (const { method, path, described } of routes) {
    if (!described || described.unlisted) continue
    paths[path] ??= {}
    paths[path][method] = operationOf(idOf(described), method, path, described)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mandate',
      version: API_VERSION,
      summary: 'Delegated access to the calendars of an organisation, after one consent of its administrator.',
    },
    servers: [{ url: origin }],
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      headers: HEADERS,
      schemas: { Error: jsonSchema(errorAnswer, 'output'), ValidationErrors: jsonSchema(validationAnswer, 'output') },
      responses: refusalComponents(),
    },
  }
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>

const SECURITY_SCHEMES = {
  accessToken: { type: 'http', scheme: 'bearer', description: 'An access token from `/oauth/token`.' },
  adminKey: { type: 'http', scheme: 'bearer', description: 'One of the keys in `MANDATE_ADMIN_KEY`.' },
  userToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'A JWT that the client signs for its user: HS256 with its user-token secret, or RS256, PS256 or ES256 with a key of its JWKS. ' +
      '`iss` is the client_id, `aud` this origin, `sub` the id of the user at the client, `exp` at most one hour after `iat`.',
  },
  clientBasic: {
    type: 'http',
    scheme: 'basic',
    description: 'Client id and secret, both form-encoded (RFC 6749 section 2.3.1). Or send both in the body.',
  },
}

const SECURITY: Record<Access, Operation['security']> = {
  public: [],
  browser: [],
  client: [{ clientBasic: [] }, {}],
  'access token': [{ accessToken: [] }],
  'user token': [{ userToken: [] }],
  // Only at /graphql, which is not in here.
  'API key': [],
  'admin key': [{ adminKey: [] }],
}

const HEADERS = {
  RequestId: { description: 'Names this request; give it when you ask about it.', schema: { type: 'string' } },
  RetryAfter: { description: 'Seconds to wait.', schema: { type: 'integer' } },
  Location: { schema: { type: 'string' } },
}
const REQUEST_ID = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } }

/** A handler that serves several routes needs a name for each. */
function operationIds(): (described: DescribedHandler) => string {
  const count = new Map<string, number>()
  return ({ operation }) => {
    const nth = (count.get(operation) ?? 0) + 1
    count.set(operation, nth)
    return nth === 1 ? operation : `${operation}.${nth}`
  }
}

function operationOf(operationId: string, method: Method, path: string, route: DescribedHandler): Operation {
  return {
    operationId,
    tags: [inWords(route.operation.split('.')[0]!)],
    summary: route.summary,
    ...(route.details && { description: route.details }),
    security: SECURITY[route.access],
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => pathParameter(name!)),
      ...parametersOf('query', route.query),
      ...parametersOf('header', route.headers),
    ],
    ...(route.body &&
      (method !== 'get' || route.body !== 'passed on') && {
        requestBody: { content: bodyOf(route.body, route.forms) },
      }),
    responses: responsesOf(method, path, route),
  }
}

const inWords = (name: string) =>
  name.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/\bapi\b/i, 'API')

const pathParameter = (name: string): Parameter => ({ name, in: 'path', required: true, schema: { type: 'string' } })

function parametersOf(place: 'query' | 'header', schema: z.ZodType | undefined): Parameter[] {
  if (!schema) return []
  const { properties = {}, required = [] } = jsonSchema(schema, 'input')
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property as JsonSchema
    return { name, in: place, required: required.includes(name), ...(description && { description }), schema: rest }
  })
}

function bodyOf(schema: z.ZodType | 'passed on', forms: DescribedHandler['forms']) {
  if (schema === 'passed on') return { 'application/json': { schema: { type: 'object' } as JsonSchema } }
  const content = { schema: jsonSchema(schema, 'input') }
  return {
    ...(forms !== 'only' && { 'application/json': content }),
    ...(forms && { 'application/x-www-form-urlencoded': content }),
    ...(forms === 'only' && { 'multipart/form-data': content }),
  }
}

function responsesOf(method: Method, path: string, route: DescribedHandler): Operation['responses'] {
  const isPage = route.access === 'browser'
  const refusals = new Set(route.refusals ?? [])
  // Whatever is sent to whatever route: no Host, a compressed body, a store that is away.
  for (const status of [400, 415, 431, 503]) refusals.add(status)
  if (method !== 'get') refusals.add(413)
  if (route.access !== 'client' && (method !== 'get' || (route.query && !isPage))) refusals.add(422)
  if (path.includes('{')) refusals.add(404)
  if (route.access === 'access token' || route.access === 'user token') refusals.add(401)
  if (route.access === 'client') refusals.add(401).add(429)
  if (route.access === 'admin key') refusals.add(401).add(403).add(429)
  const refusalOf = (status: number) => {
    if (isPage) return pageRefusal(status)
    return status < 500 && route.answers['4XX'] === 'passed on' ? oursOrTheirs(status) : refusal(status)
  }
  return {
    ...Object.fromEntries(Object.entries(route.answers).map(([status, answer]) => [status, answerObject(answer)])),
    ...Object.fromEntries([...refusals].map((status) => [status, refusalOf(status)])),
  }
}

function answerObject(answer: Answer): AnswerObject {
  switch (answer) {
    case 'page':
      return { description: 'A page.', headers: REQUEST_ID, content: { 'text/html': {} } }
    case 'redirect':
      return {
        description: 'Go on there.',
        headers: { ...REQUEST_ID, Location: { $ref: '#/components/headers/Location' } },
      }
    case 'empty':
      return { description: 'Done.', headers: REQUEST_ID }
    case 'file':
      return { description: 'A file.', headers: REQUEST_ID, content: { '*/*': {} } }
    case 'passed on':
      return { description: "The provider's own answer.", headers: REQUEST_ID, content: { 'application/json': {} } }
    default:
      return {
        description: answer.description ?? 'Done.',
        headers: REQUEST_ID,
        content: { 'application/json': { schema: jsonSchema(answer, 'output') } },
      }
  }
}

const refusal = (status: number) => ({ $ref: `#/components/responses/${status}` })

const oursOrTheirs = (status: number): AnswerObject => ({
  description: `${REFUSALS[status]} Or the provider's own answer.`,
  headers: REQUEST_ID,
  content: { 'application/json': {} },
})

/** A person reads a page; what is refused before our pages are reached is JSON. */
const pageRefusal = (status: number): AnswerObject => ({
  description: REFUSALS[status]!,
  headers: REQUEST_ID,
  content: { 'text/html': {}, 'application/json': { schema: refusalSchema(status) } },
})

const refusalSchema = (status: number) => ({
  $ref: `#/components/schemas/${status === 422 ? 'ValidationErrors' : 'Error'}`,
})

function refusalComponents() {
  const components = Object.entries(REFUSALS).map(([status, description]) => {
    const schema = refusalSchema(Number(status))
    const retryAfter = ['429', '503'].includes(status) && { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } }
    return [
      status,
      { description, headers: { ...REQUEST_ID, ...retryAfter }, content: { 'application/json': { schema } } },
    ]
  })
  return Object.fromEntries(components) as Record<string, AnswerObject>
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: shorten })
  return rest
}

/** What a reader does not need: the pattern behind a format, and the bounds of every safe integer. */
function shorten({ jsonSchema: json }: { jsonSchema: JsonSchema }) {
  if (json.format) delete json.pattern
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum
}
