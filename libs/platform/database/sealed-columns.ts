/**
 * Every column that holds sealed values. Nothing can be sealed for a column that is not here, and what is here is resealed
 * when data keys are rotated. Rows are found by their column `id`; `client` is the SQL expression for whose they are.
 */
export const SEALED_COLUMNS = [
  { table: 'clients', column: 'sealed_signing_secret', client: 'id' },
  { table: 'client_secrets', column: 'sealed_secret', client: 'client_id' },
  { table: 'user_token_secrets', column: 'sealed_secret', client: 'client_id' },
  { table: 'provider_credentials', column: 'sealed_credential', client: `coalesce(client_id, 'operator')` },
  { table: 'provider_credentials', column: 'sealed_former_credential', client: `coalesce(client_id, 'operator')` },
  { table: 'provider_credentials', column: 'sealed_sign_in_secret', client: `coalesce(client_id, 'operator')` },
  { table: 'service_accounts', column: 'sealed_credential', client: 'client_id' },
  { table: 'service_accounts', column: 'sealed_former_credential', client: 'client_id' },
  { table: 'user_credentials', column: 'sealed_refresh_token', client: 'client_id' },
  { table: 'consents', column: 'sealed_sign_in', client: 'client_id' },
  { table: 'consents', column: 'sealed_credential', client: 'client_id' },
  { table: 'sign_ins', column: 'sealed_attempt', client: 'client_id' },
  { table: 'provider_tokens', column: 'sealed_token', client: `'operator'` },
] as const

type Listed = (typeof SEALED_COLUMNS)[number]
type PlaceIn<Column> = Column extends { table: infer Table; column: infer Name }
  ? { table: Table; column: Name }
  : never

/** A table with one of its sealed columns. */
export type SealedColumn = PlaceIn<Listed>
