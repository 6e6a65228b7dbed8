import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'node-html-parser'
import type { OpenApiDocument, Operation } from '#platform/http/openapi/openapi-document.js'
import { RouteTable } from '#platform/http/openapi/route-table.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type ApiApp, openApiApp } from './api-app.js'

/** GraphQL says itself what it is. */
const UNLISTED = ['GET /graphql/console', 'POST /graphql']

describe('/openapi.json', () => {
  const { url } = testDatabase()
  let api: ApiApp
  let app: NestFastifyApplication
  let document: OpenApiDocument
  let operations: { name: string; operation: Operation }[]

  beforeAll(async () => {
    api = await openApiApp(url, { MANDATE_PUBLIC_URL: 'https://mandate.example.com' })
    app = api.app
    const answer = await app.inject('/openapi.json')
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    document = answer.json()
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
    )
  })
  afterAll(() => api?.close())

  it('has every route that is served: put @Described on what is missing', () => {
    const fastify = app.getHttpAdapter().getInstance()
    const undescribed = app.get(RouteTable).routes.filter(({ described }) => !described)
    expect(undescribed).toEqual([])
    const isPlain = (name: string) => !name.endsWith('{path}')
    const names = operations.map(({ name }) => name)
    const served = routesIn(fastify.printRoutes({ commonPrefix: false }))
    expect(served.length).toBeGreaterThan(25)
    expect([...names.filter(isPlain), ...UNLISTED].sort()).toEqual(served.sort())
    // Fastify prints a wildcard without what stands before it.
    for (const [method, path] of names.filter((name) => !isPlain(name)).map((name) => name.split(' ')))
      expect([method, path, fastify.hasRoute({ method: method as 'GET', url: path!.replace('{path}', '*') })]).toEqual([
        method,
        path,
        true,
      ])
  })

  it('is OpenAPI 3.1 of this origin, and names no operation twice', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', servers: [{ url: 'https://mandate.example.com' }] })
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('refers only to what it holds, in schemas that can be compiled', () => {
    const ajv = new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true })
    addFormats.default(ajv)
    ajv.addSchema({ $id: 'mandate', ...document.components.schemas }, 'mandate')
    for (const [, schema] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g))
      expect([
        schema,
        schema!.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document),
      ]).toEqual([schema, expect.any(Object)])
    for (const { operation } of operations) {
      const schemas = [
        ...operation.parameters.map((parameter) => parameter.schema),
        ...Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => schema),
        ...Object.values(operation.responses).flatMap((answer) =>
          Object.values('content' in answer ? (answer.content ?? {}) : {}).map(({ schema }) => schema),
        ),
      ]
      for (const schema of schemas) if (schema && !('$ref' in schema)) ajv.compile(schema)
    }
  })

  it('says what each route takes and answers', () => {
    for (const { name, operation } of operations) {
      expect([name, operation.summary]).toEqual([name, expect.stringMatching(/^[A-Z].{3,}/)])
      expect([name, Object.keys(operation.responses).filter((status) => status < '400')]).not.toEqual([name, []])
    }
    const asked = document.paths['/v1/service_account_authorizations']!.post!
    expect(asked.security).toEqual([{ accessToken: [] }])
    expect(asked.parameters).toEqual([
      expect.objectContaining({ name: 'Idempotency-Key', in: 'header', required: false }),
    ])
    expect(JSON.stringify(asked.requestBody)).toContain('callback_url')
    expect(Object.keys(asked.responses).sort()).toEqual([
      '202',
      '400',
      '401',
      '403',
      '409',
      '413',
      '415',
      '422',
      '431',
      '503',
    ])
    expect(Object.keys(document.paths['/oauth/token']!.post!.requestBody!.content)).toEqual([
      'application/json',
      'application/x-www-form-urlencoded',
    ])
  })

  it('can be read by people at /docs, with nothing fetched and nothing run', async () => {
    const answer = await app.inject('/docs')
    expect(answer.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'x-frame-options': 'DENY' })
    expect(answer.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'/,
    )
    const page = parse(answer.body)
    expect(page.querySelectorAll('script, link, img, iframe, form, [style], [src]')).toEqual([])
    expect(
      page
        .querySelectorAll('h3')
        .map((heading) => heading.text.trim().toUpperCase())
        .sort(),
    ).toEqual(operations.map(({ name }) => name.toUpperCase()).sort())
    const groups = page.querySelectorAll('h2').map(({ text }) => text)
    expect(groups).toContain('API keys')
    expect(groups.indexOf('Token')).toBeLessThan(groups.indexOf('Health'))
    expect(page.querySelectorAll('a').map((link) => link.getAttribute('href'))).toEqual(['/openapi.json'])
  })
})

/** `GET /a/{id}` for each line of Fastify's own tree of routes, in the methods and the spelling of the document. */
function routesIn(tree: string): string[] {
  const parents: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([\s│]*)[├└]── (\S*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
    if (!part) return []
    const depth = indent.length / 4
    parents.length = depth
    parents[depth] = part
    const path = parents.join('').replace(/:(\w+)/g, '{$1}')
    if (path.includes('*')) return []
    const named = methods.split(', ').filter((method) => /^(GET|PUT|POST|PATCH|DELETE)$/.test(method))
    return named.map((method) => `${method} ${path}`)
  })
}
