import type { GraphQLSchema } from 'graphql'
import { type ApiOperationKind, allowsOperation } from '#domain/clients/api-key-scopes.js'
import type { CallerKey } from '#domain/clients/authenticate-api-key.js'
import { insufficientScope } from '#platform/errors/api-error.js'

/** Answers one field of `Query` or `Mutation`. Arguments have been checked against the schema. */
// biome-ignore lint/suspicious/noExplicitAny: each field has arguments of its own, which the schema has checked
export type RootField = (input: any, key: CallerKey) => unknown

export type RootFields = Readonly<Record<ApiOperationKind, Readonly<Record<string, RootField>>>>

/**
 * What graphql-js takes as the root value: each field of the schema with what answers it, behind the question whether the
 * key allows it. There is no other way to a field, so none can be forgotten.
 * @throws Error at the start, where schema and fields differ
 */
export function bindRootFields(schema: GraphQLSchema, fields: RootFields) {
  const types = { query: schema.getQueryType(), mutation: schema.getMutationType() }
  const root = {} as Record<ApiOperationKind, Record<string, RootField>>
  for (const [kind, type] of Object.entries(types) as [ApiOperationKind, (typeof types)['query']][]) {
    const wanted = Object.keys(type?.getFields() ?? {}).sort()
    const given = Object.keys(fields[kind]).sort()
    if (wanted.join() !== given.join())
      throw new Error(`the schema has the ${kind} fields ${wanted}, and what is there is ${given}`)
    root[kind] = Object.fromEntries(wanted.map((name) => [name, allowedAlone(kind, name, fields[kind][name]!)]))
  }
  return root
}

const allowedAlone =
  (kind: ApiOperationKind, name: string, answer: RootField): RootField =>
  (input, key) => {
    if (!allowsOperation(key.scopes, kind, name))
      throw insufficientScope(
        `This API key may not call the ${kind} ${name}: it needs the scope oauth-api:${kind}:${name}. The operator makes such a key.`,
      )
    return answer(input, key)
  }
