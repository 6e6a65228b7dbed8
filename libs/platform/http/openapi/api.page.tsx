import { createHash } from 'node:crypto'
import type { VNode } from 'preact'
import { render } from 'preact-render-to-string'
import type { AnswerObject, JsonSchema, OpenApiDocument, Operation } from './openapi-document.js'

/** In the page itself, so that it is one file and nothing has to be fetched; its hash is what the page's policy allows. */
const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { line-height: 1.2 } h2 { margin-top: 3rem; border-bottom: 1px solid } h3 { margin: 0; font-size: 1rem }
details { border: 1px solid #8886; border-radius: .4rem; margin: .5rem 0; padding: .5rem .8rem }
summary { cursor: pointer } summary h3 { display: inline }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere }
.method { display: inline-block; min-width: 3.5rem; text-transform: uppercase; font-weight: 600 }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 } caption { text-align: left; font-weight: 600; padding: .4rem 0 }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-top: 1px solid #8884 } th { font-weight: 400 }
`
export const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`

export const renderApiPage = (page: VNode) => `<!doctype html>\n${render(page)}`

type Named = [id: string, method: string, path: string, operation: Operation]

/** The document for people: every route, what it takes and what it answers, first what programs call. Nothing but HTML. */
export function ApiPage({ document }: { document: OpenApiDocument }) {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Named => [operation.operationId, method, path, operation]),
  )
  const groups = Map.groupBy(operations, ([, , , { tags }]) => tags[0]!)
  const isCalled = (members: Named[]) => members.some(([, , , { security }]) => security.length > 0)
  const [called, visited] = [true, false].map((wanted) => [...groups].filter(([, each]) => isCalled(each) === wanted))
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{document.info.title} API</title>
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <h1>{document.info.title} API</h1>
        <p>{document.info.summary}</p>
        <p>
          Everything below is under <code>{document.servers[0]!.url}</code>, and in{' '}
          <a href="/openapi.json">/openapi.json</a> for programs. Every answer carries <code>X-Request-Id</code>.
        </p>
        {[...called!, ...visited!].map(([name, members]) => (
          <section key={name}>
            <h2>{name}</h2>
            {members.map((member) => (
              <Route key={member[0]} member={member} answers={document.components.responses} />
            ))}
          </section>
        ))}
      </body>
    </html>
  )
}

function Route({ member, answers }: { member: Named; answers: Record<string, AnswerObject> }) {
  const [, method, path, operation] = member
  const security = operation.security.flatMap(Object.keys)
  return (
    <details>
      <summary>
        <h3>
          <span class="method">{method}</span> <code>{path}</code>
        </h3>{' '}
        {operation.summary}
      </summary>
      {operation.description && <p>{operation.description}</p>}
      {security.length > 0 && (
        <p>
          Shows: <code>{security.join(', ')}</code>
        </p>
      )}
      <Fields
        caption="Parameters"
        fields={operation.parameters.map(({ name, in: place, required, description, schema }) => ({
          name: `${name} (${place})`,
          schema: { description, ...schema },
          required,
        }))}
      />
      {Object.entries(operation.requestBody?.content ?? {}).map(([type, { schema }]) => (
        <Fields key={type} caption={`Body, ${type}`} fields={fieldsOf(schema)} />
      ))}
      <table>
        <caption>Answers</caption>
        <tbody>
          {Object.entries(operation.responses).map(([status, answer]) => (
            <tr key={status}>
              <th scope="row">{status}</th>
              <td>{'$ref' in answer ? answers[status]!.description : <AnswerShape {...answer} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

function AnswerShape({ description, content = {} }: AnswerObject) {
  const [[type, { schema }] = ['', {}]] = Object.entries(content)
  return (
    <>
      {description} <code>{type}</code>
      {schema && <Fields caption="" fields={fieldsOf(schema)} />}
    </>
  )
}

interface Field {
  name: string
  schema: JsonSchema
  required: boolean
}

function Fields({ caption, fields }: { caption: string; fields: Field[] }) {
  if (fields.length === 0) return null
  return (
    <table>
      {caption && <caption>{caption}</caption>}
      <tbody>
        {fields.map(({ name, schema, required }) => (
          <tr key={name}>
            <th scope="row">
              <code>{name}</code>
            </th>
            <td>
              {typeOf(schema)}
              {required ? '' : ', optional'}. {schema.description}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** The fields of an object, those of a list's items, and those of every alternative, each under its whole name. */
function fieldsOf(schema: JsonSchema, prefix = ''): Field[] {
  const alternatives = schema.anyOf ?? schema.oneOf
  if (alternatives) return uniqueByName(alternatives.flatMap((each) => fieldsOf(each as JsonSchema, prefix)))
  if (schema.items) return fieldsOf(schema.items as JsonSchema, `${prefix}[]`)
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = prefix ? `${prefix}.${key}` : key
    const property = value as JsonSchema
    return [{ name, schema: property, required: schema.required?.includes(key) ?? false }, ...fieldsOf(property, name)]
  })
}

const uniqueByName = (fields: Field[]) => [...new Map(fields.map((field) => [field.name, field])).values()]

function typeOf(schema: JsonSchema): string {
  const alternatives = schema.anyOf ?? schema.oneOf
  if (alternatives) return [...new Set(alternatives.map((each) => typeOf(each as JsonSchema)))].join(' or ')
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(', ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.items) return `list of ${typeOf(schema.items as JsonSchema)}`
  const range = [
    schema.minimum !== undefined && `from ${schema.minimum}`,
    schema.maximum !== undefined && `to ${schema.maximum}`,
    schema.maxLength !== undefined && `at most ${schema.maxLength} characters`,
    schema.format,
  ].filter(Boolean)
  return [schema.type ?? 'anything', ...range].join(' ')
}
