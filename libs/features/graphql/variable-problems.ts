import {
  coerceInputValue,
  GraphQLError,
  type GraphQLSchema,
  isInputType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql'

const MOST_PROBLEMS = 10

/**
 * What the executor would say of the variables, in words that repeat no value. A list may have tens of thousands of wrong
 * elements; nobody reads more than some of them, and telling each costs time.
 */
export function variableProblems(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  given: Readonly<Record<string, unknown>>,
): GraphQLError[] {
  const problems: GraphQLError[] = []
  const enough = new Error('enough problems')
  try {
    for (const { variable, type: node } of variableDefinitions) {
      const type = typeFromAST(schema, node)
      const name = variable.name.value
      const value = Object.hasOwn(given, name) ? given[name] : undefined
      if (!isInputType(type) || value === undefined) continue
      coerceInputValue(value, type, (path, _value, { message }) => {
        const at = [`$${variable.name.value}`, ...path].join('.')
        problems.push(new GraphQLError(`The variable ${at} is wrong: ${message}`, { nodes: variable }))
        if (problems.length === MOST_PROBLEMS) throw enough
      })
    }
  } catch (error) {
    if (error !== enough) throw error
  }
  return problems
}
