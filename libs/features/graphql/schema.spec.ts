import { buildSchema, lexicographicSortSchema, parse, print, printSchema, visit } from 'graphql'
import { API_OPERATIONS } from '#domain/clients/api-key-scopes.js'
import { SDL } from './schema.js'

/** The tables of the dialect's guide, written down once more: types, names, what may be null. */
const GUIDE = `
  scalar DateTime
  scalar EmailAddress
  scalar Url
  enum Provider { GOOGLE MICROSOFT }
  enum Scope { EMAIL_SEND EMAIL_READ USER_INFO_EMAIL }
  type UserInfo { email: EmailAddress }
  type Authorization {
    id: ID
    approver: ID
    provider: Provider
    scope: [Scope]
    createdAt: DateTime
    userInfo: UserInfo
  }
  type AuthorizationRequest { url: Url state: String }
  input AuthorizationsFilter { approver: ID! scope: [Scope] }
  input GenerateAuthorizationRequestInput { approver: ID! provider: Provider! scope: [Scope!]! }
  input FinalizeAuthorizationInput { state: String! code: String! }
  input RevokeAuthorizationInput { id: ID! approver: ID! }
  type Query {
    authorizations(filter: AuthorizationsFilter!): [Authorization]
    version: String
  }
  type Mutation {
    finalizeAuthorization(input: FinalizeAuthorizationInput!): Authorization
    generateAuthorizationRequest(input: GenerateAuthorizationRequestInput!): AuthorizationRequest
    revokeAuthorization(input: RevokeAuthorizationInput!): Authorization
  }
`

/** Sorted, without descriptions. */
const shapeOf = (sdl: string) => {
  const bare = visit(parse(sdl), {
    enter: (node) => ('description' in node ? { ...node, description: undefined } : undefined),
  })
  return printSchema(lexicographicSortSchema(buildSchema(print(bare))))
}

describe('the schema of the GraphQL face', () => {
  it('is that of the guide, to the last exclamation mark', () => {
    expect(shapeOf(SDL)).toBe(shapeOf(GUIDE))
  })

  it('describes every type and every operation in words of its own', () => {
    const silent = parse(SDL).definitions.filter(
      (each) =>
        'name' in each &&
        !/^(Query|Mutation|.*Input|.*Filter)$/.test(each.name!.value) &&
        !('description' in each && each.description),
    )
    expect(silent).toEqual([])
    const root = Object.values({
      ...buildSchema(SDL).getQueryType()!.getFields(),
      ...buildSchema(SDL).getMutationType()!.getFields(),
    })
    expect(root.filter(({ description }) => !description)).toEqual([])
  })

  it('has an operation for each scope that a key can be made for, and none besides', () => {
    const schema = buildSchema(SDL)
    expect(Object.keys(schema.getQueryType()!.getFields()).sort()).toEqual([...API_OPERATIONS.query].sort())
    expect(Object.keys(schema.getMutationType()!.getFields()).sort()).toEqual([...API_OPERATIONS.mutation].sort())
  })
})
