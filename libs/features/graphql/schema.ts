/**
 * What the GraphQL face offers (contract section 6): the types, the names and what may be null are those of the dialect's
 * guide, because programs were written against them; the descriptions are ours.
 */
export const SDL = `
"A time in UTC, as ISO 8601 writes it: \`2026-11-22T04:30:00.000Z\`."
scalar DateTime

"An e-mail address."
scalar EmailAddress

"An absolute URL."
scalar Url

"Who keeps the mailbox."
enum Provider {
  GOOGLE
  MICROSOFT
}

"What a user may be asked to allow."
enum Scope {
  "Send e-mail as the user."
  EMAIL_SEND
  "Read the user's e-mail."
  EMAIL_READ
  "Know the user's e-mail address; it is then in \`userInfo\`."
  USER_INFO_EMAIL
}

"What is known of the user at the provider."
type UserInfo {
  "Null unless \`USER_INFO_EMAIL\` was allowed."
  email: EmailAddress
}

"What one user has allowed at one provider. It stands until it is revoked, here or at the provider."
type Authorization {
  id: ID
  "Your own id of the user."
  approver: ID
  provider: Provider
  "What was allowed."
  scope: [Scope]
  createdAt: DateTime
  userInfo: UserInfo
}

"Where the user has to go."
type AuthorizationRequest {
  "Send the user's browser here within twenty minutes. It comes back to your redirect URI, with \`code\` and \`state\`."
  url: Url
  "What comes back as \`state\`. Keep it with the user's session and compare, so that nobody else's answer is taken for theirs."
  state: String
}

input AuthorizationsFilter {
  "Your own id of the user."
  approver: ID!
  "Only authorizations that allow all of these."
  scope: [Scope]
}

input GenerateAuthorizationRequestInput {
  "Your own id of the user who is to allow it."
  approver: ID!
  provider: Provider!
  "What the user is asked for."
  scope: [Scope!]!
}

input FinalizeAuthorizationInput {
  "As your redirect URI received it."
  state: String!
  "As your redirect URI received it. It works once, for ten minutes."
  code: String!
}

input RevokeAuthorizationInput {
  id: ID!
  "Your own id of the user whose authorization it is."
  approver: ID!
}

type Query {
  "What a user has allowed, the newest first; of 200 accounts at most."
  authorizations(filter: AuthorizationsFilter!): [Authorization]
  "The version of this API."
  version: String
}

type Mutation {
  "Begins: says where to send the user."
  generateAuthorizationRequest(input: GenerateAuthorizationRequestInput!): AuthorizationRequest
  "Ends what was begun, with what your redirect URI received. From then on there is an authorization."
  finalizeAuthorization(input: FinalizeAuthorizationInput!): Authorization
  "Ends an authorization, here and at the provider where that can be done. Answers what it was."
  revokeAuthorization(input: RevokeAuthorizationInput!): Authorization
}
`
