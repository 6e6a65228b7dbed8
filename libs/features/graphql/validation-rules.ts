import {
  type ASTVisitor,
  GraphQLError,
  getNullableType,
  isTypeSubTypeOf,
  specifiedRules,
  typeFromAST,
  type ValidationContext,
  VariablesInAllowedPositionRule,
} from 'graphql'

/**
 * As the specification's rule about variables, but one that may be null is let through to where null is not allowed: the
 * dialect's guide itself declares `$input: FinalizeAuthorizationInput` and hands it to an argument that must be there. A
 * variable that then is null, or is not given, is refused where it is used, by the executor.
 */
function variablesFitTheirPositions(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition: {
      leave(operation) {
        const schema = context.getSchema()
        const declared = new Map(operation.variableDefinitions?.map((each) => [each.variable.name.value, each.type]))
        for (const { node, type: position } of context.getRecursiveVariableUsages(operation)) {
          const declaration = declared.get(node.name.value)
          const type = declaration && typeFromAST(schema, declaration)
          if (!type || !position || isTypeSubTypeOf(schema, getNullableType(type), getNullableType(position))) continue
          const problem = `Variable "$${node.name.value}" of type "${type}" used in position expecting type "${position}".`
          context.reportError(new GraphQLError(problem, { nodes: [declaration, node] }))
        }
      },
    },
  }
}

export const VALIDATION_RULES = [
  ...specifiedRules.filter((rule) => rule !== VariablesInAllowedPositionRule),
  variablesFitTheirPositions,
]
