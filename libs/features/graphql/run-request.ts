import {
  buildSchema,
  type DocumentNode,
  execute,
  GraphQLError,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql'
import type { CallerKey } from '#domain/clients/authenticate-api-key.js'
import { Log } from '#platform/observability/log.js'
import { currentOrigin } from '#platform/observability/origin.js'
import { limitProblem, MOST_TOKENS } from './document-limits.js'
import { type AnsweredError, answeredError } from './request-errors.js'
import { bindRootFields, type RootFields } from './root-fields.js'
import { SDL } from './schema.js'
import { VALIDATION_RULES } from './validation-rules.js'
import { variableProblems } from './variable-problems.js'

/** As GraphQL over HTTP calls its parts. */
export interface GraphqlRequest {
  query: string
  operationName?: string | null | undefined
  variables?: Readonly<Record<string, unknown>> | null | undefined
}

/** Without `data`, nothing was executed. */
export interface GraphqlAnswer {
  data?: Record<string, unknown> | null
  errors?: AnsweredError[]
}

const MOST_ERRORS = 10

/** Parses, bounds, validates and executes one document, in this order: each step is dearer than the one before. */
export class RunRequest {
  readonly #schema = buildSchema(SDL)
  readonly #root: ReturnType<typeof bindRootFields>

  constructor(
    fields: RootFields,
    private readonly log: Log,
  ) {
    this.#root = bindRootFields(this.#schema, fields)
  }

  async run(request: GraphqlRequest, key: CallerKey): Promise<GraphqlAnswer> {
    const requestId = currentOrigin().requestId ?? ''
    const read = this.#read(request)
    if ('problems' in read) return { errors: read.problems.map((each) => answeredError(each, requestId)) }
    const { document, operation } = read
    const { data, errors } = await execute({
      schema: this.#schema,
      document,
      rootValue: operation.operation === 'mutation' ? this.#root.mutation : this.#root.query,
      contextValue: key,
      variableValues: request.variables,
      operationName: request.operationName,
    })
    for (const { originalError } of errors ?? [])
      if (originalError) this.log.failure('graphql.field_failed', originalError, { request: requestId })
    const answered = errors?.map((each) => answeredError(each, requestId))
    return { ...(data !== undefined && { data }), ...(answered && { errors: answered }) }
  }

  #read({
    query,
    operationName,
    variables,
  }: GraphqlRequest):
    | { document: DocumentNode; operation: OperationDefinitionNode }
    | { problems: readonly GraphQLError[] } {
    const document = parsed(query)
    if (document instanceof GraphQLError) return { problems: [document] }
    const limit = limitProblem(document)
    if (limit) return { problems: [new GraphQLError(limit)] }
    const invalid = validate(this.#schema, document, VALIDATION_RULES, { maxErrors: MOST_ERRORS })
    if (invalid.length > 0) return { problems: invalid }
    const operation = getOperationAST(document, operationName)
    if (!operation) return { problems: [noSuchOperation(operationName)] }
    const wrong = variableProblems(this.#schema, operation, variables ?? {})
    return wrong.length > 0 ? { problems: wrong } : { document, operation }
  }
}

function parsed(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query, { maxTokens: MOST_TOKENS })
  } catch (error) {
    if (error instanceof GraphQLError) return error
    // Nested so deeply that the parser ran out of stack; MOST_TOKENS keeps that from happening.
    throw error
  }
}

const noSuchOperation = (name: string | null | undefined) =>
  new GraphQLError(
    name
      ? 'The document has no operation of the name in operationName.'
      : 'The document has several operations, or none: name one of them in operationName.',
  )
