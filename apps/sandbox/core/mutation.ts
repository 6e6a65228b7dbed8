import { z } from 'zod'

/** A change of the stand-in's world from outside: what an administrator, a user or an operator would do at the provider. */
export interface Mutation {
  name: string
  summary: string
  schema: z.ZodType
  /** @returns what is worth telling whoever asked, e.g. a new key file */
  apply(input: unknown): unknown
}

/** Keeps `apply` typed by its schema: `mutation('suspend-user', 'Suspends …', z.strictObject({ email }), ({ email }) => …)`. */
export function mutation<Schema extends z.ZodType>(
  name: string,
  summary: string,
  schema: Schema,
  apply: (input: z.output<Schema>) => unknown,
): Mutation {
  return { name, summary, schema, apply: (input) => apply(schema.parse(input)) }
}

/** Well-formed, but not possible in this world: answered 422 with this text. */
export class ImpossibleChange extends Error {}

export const schemaAsJson = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
