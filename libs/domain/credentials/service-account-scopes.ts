/** What a service account's own token may do. `unrestricted_access` includes `manage`. */
export const SERVICE_ACCOUNT_SCOPES = [
  'service_account/accounts/manage',
  'service_account/accounts/unrestricted_access',
  'service_account/resources/manage',
  'service_account/resources/unrestricted_access',
] as const

export type ServiceAccountScope = (typeof SERVICE_ACCOUNT_SCOPES)[number]

/** Names that the first SDKs sent. */
const ALIASES: Record<string, ServiceAccountScope> = {
  'service_account/manage_accounts': 'service_account/accounts/manage',
  'service_account/manage_resources': 'service_account/resources/manage',
}

/** The scope by its present name, or null. */
export function serviceAccountScope(name: string): ServiceAccountScope | null {
  return SERVICE_ACCOUNT_SCOPES.find((scope) => scope === name) ?? ALIASES[name] ?? null
}

/** People are "accounts" in these names and rooms are "resources". */
export function mailboxKindsOf(scopes: readonly string[]): ('person' | 'room')[] {
  const covers = (noun: string) => scopes.some((scope) => scope.startsWith(`service_account/${noun}/`))
  return [...(covers('accounts') ? (['person'] as const) : []), ...(covers('resources') ? (['room'] as const) : [])]
}

/** What a token opens by now: its administrator may have consented to less since it was issued. */
export function mailboxKindsLeft(ofToken: readonly string[], ofServiceAccount: readonly string[]) {
  const allowed = mailboxKindsOf(ofServiceAccount)
  return mailboxKindsOf(ofToken).filter((kind) => allowed.includes(kind))
}
