import { z } from 'zod'

// What `token.dto` writes, as `/openapi.json` promises it.

const tokens = {
  token_type: z.literal('bearer'),
  access_token: z.string(),
  expires_in: z.int().positive().meta({ description: 'Seconds.' }),
  refresh_token: z.string(),
  scope: z.string(),
  sub: z.string(),
}
const linkingProfile = {
  provider_name: z.enum(['google', 'exchange', 'live_connect']),
  provider_service: z.enum(['gsuite', 'google', 'office365', 'outlook_com']),
  profile_id: z.string(),
  profile_name: z.string(),
}

/** A service account's tokens, or a mailbox's; or the provider's own of a mailbox. */
export const tokenAnswer = z.union([
  z.strictObject({ ...tokens, service_account_id: z.string() }),
  z.strictObject({ ...tokens, account_id: z.string(), linking_profile: z.strictObject(linkingProfile) }),
  z.strictObject({
    access_token: tokens.access_token.meta({ description: "The provider's." }),
    issued_token_type: z.literal('urn:ietf:params:oauth:token-type:access_token'),
    token_type: z.literal('Bearer'),
    expires_in: tokens.expires_in,
    scope: tokens.scope,
  }),
])

export const introspectionAnswer = z.union([
  z.strictObject({ active: z.literal(false) }),
  z.strictObject({
    active: z.literal(true),
    scope: z.string(),
    client_id: z.string(),
    token_type: z.enum(['bearer', 'refresh_token']),
    exp: z.int(),
    iat: z.int(),
    sub: z.string(),
    iss: z.string(),
  }),
])

/** RFC 8414 section 2 lets a server say more. */
export const metadataAnswer = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  response_types_supported: z.array(z.string()),
})

export const userinfoAnswer = z.union([
  z.strictObject({
    sub: z.string(),
    email: z.string(),
    name: z.string().nullable(),
    'cronofy.type': z.literal('account'),
    'cronofy.data': z.strictObject({
      authorization: z.strictObject({ scope: z.string(), status: z.string() }),
      profiles: z.array(
        z.strictObject({
          ...linkingProfile,
          profile_connected: z.boolean(),
          profile_initial_sync_required: z.boolean(),
        }),
      ),
    }),
  }),
  z.strictObject({
    sub: z.string(),
    email: z.string(),
    'cronofy.type': z.literal('service_account'),
    'cronofy.data': z.strictObject({
      service_account: z.strictObject({ provider_name: z.string(), domain: z.string() }),
      authorization: z.strictObject({ scope: z.string(), status: z.string(), delegated_scope: z.string() }),
    }),
    'cronofy.service_account.domain': z.string(),
    'cronofy.service_account.email': z.string(),
  }),
])

export const accountAnswer = z.strictObject({
  account: z.strictObject({
    account_id: z.string(),
    email: z.string(),
    name: z.string().nullable(),
    scope: z.string(),
  }),
  sub: z.string(),
})

export const resourcesAnswer = z.strictObject({
  resources: z.array(
    z.strictObject({
      email: z.string(),
      name: z.string(),
      capacity: z.int().optional(),
      location: z.strictObject({ building_name: z.string().nullable(), floor_name: z.string().nullable() }).optional(),
    }),
  ),
})
