/** Everything that an API key may be made for, by kind. A test of the GraphQL face holds this to its schema. */
export const API_OPERATIONS = {
  query: ['authorizations', 'version'],
  mutation: ['finalizeAuthorization', 'generateAuthorizationRequest', 'revokeAuthorization'],
} as const satisfies Record<string, readonly string[]>

export type ApiOperationKind = keyof typeof API_OPERATIONS

/** `oauth-api:query:authorizations`; a `*` in place of the name stands for all of that kind, also those to come. */
const PATTERN = /^oauth-api:(query|mutation):(\*|[A-Za-z]\w*)$/

const ALL: readonly string[] = Object.entries(API_OPERATIONS).flatMap(([kind, names]) =>
  ['*', ...names].map((name) => `oauth-api:${kind}:${name}`),
)

/** What is wrong with a scope that somebody asks for, in a sentence; null: nothing. */
export function apiKeyScopeProblem(scope: string): string | null {
  if (ALL.includes(scope)) return null
  if (!PATTERN.test(scope))
    return 'must be oauth-api:query:<name> or oauth-api:mutation:<name>, with * for all of a kind'
  return `names nothing that there is; there are ${ALL.join(', ')}`
}

export const allowsOperation = (scopes: readonly string[], kind: ApiOperationKind, name: string): boolean =>
  scopes.includes(`oauth-api:${kind}:${name}`) || scopes.includes(`oauth-api:${kind}:*`)
