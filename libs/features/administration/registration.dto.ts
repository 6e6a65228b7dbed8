import { z } from 'zod'
import { MICROSOFT_CLOUD_NAMES, PROVIDER_NAMES } from '#domain/providers/provider.port.js'
import { requiredText, text } from '#platform/http/read-input.js'
import type { TypedRegistration } from './read-registration.js'
import type { registrationAnswer } from './registration-answers.js'
import type { CredentialFacts, RegistrationFacts } from './registration-facts.js'

/** Beyond any key file or certificate; what is longer is something else. */
const LONGEST_FILE = 64 * 1024

const keyFile = z
  .record(z.string(), z.unknown(), { error: 'must be the JSON object of the downloaded key file' })
  .transform((key) => JSON.stringify(key))

const googleDto = z
  .strictObject({
    /** One, or several with the newest key first. */
    key_file: z
      .union([keyFile, z.array(keyFile)], { error: 'must be the JSON object of a key file, or a list' })
      .optional(),
    /** Instead of keys; what the values must be says domain/providers. */
    workload_identity: z
      .strictObject({ configuration: keyFile, service_account: requiredText(500), client_id: requiredText(500) })
      .optional(),
    oauth_client_id: requiredText(500).optional(),
    oauth_client_secret: requiredText(500).optional(),
  })
  .transform(
    (body): TypedRegistration => ({
      provider: 'google',
      keyFiles: typeof body.key_file === 'string' ? [body.key_file] : body.key_file,
      workloadIdentity: body.workload_identity,
      oauthClientId: body.oauth_client_id,
      oauthClientSecret: body.oauth_client_secret,
    }),
  )

const microsoftDto = z
  .strictObject({
    client_id: requiredText(500),
    client_secret: requiredText(500).optional(),
    client_secret_expires_at: z.iso
      .datetime({ offset: true, error: 'must be a time such as 2027-01-31T00:00:00Z' })
      .optional(),
    certificate: text(LONGEST_FILE).optional(),
    private_key: text(LONGEST_FILE).optional(),
    /** Base64 of the file. */
    pfx: text(LONGEST_FILE).optional(),
    password: text(500).optional(),
    send_chain: z.boolean({ error: 'must be true or false' }).optional(),
    federated_token_file: text(4096).optional(),
    cloud: z.enum(MICROSOFT_CLOUD_NAMES, { error: `must be one of ${MICROSOFT_CLOUD_NAMES.join(', ')}` }).optional(),
  })
  .transform(
    (body): TypedRegistration => ({
      provider: 'microsoft',
      clientId: body.client_id,
      clientSecret: body.client_secret,
      secretExpiresAt: body.client_secret_expires_at ? new Date(body.client_secret_expires_at) : undefined,
      certificate: body.certificate,
      privateKey: body.private_key,
      pfx: body.pfx,
      password: body.password,
      sendChain: body.send_chain,
      federatedTokenFile: body.federated_token_file,
      cloud: body.cloud ?? 'global',
    }),
  )

export const registrationDtos = { google: googleDto, microsoft: microsoftDto }

/** Whose registration it is: `?client=cli_…`, or without it the operator's for every client. */
export const ownerDto = z.strictObject({ client: requiredText(512).optional() })

export const registeredProviderDto = z.strictObject({
  provider: z.enum(PROVIDER_NAMES, { error: 'must be google or microsoft' }),
})

export const setRegistrationDto = ownerDto.extend({
  untested: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'Replaces the credential also where there is no mailbox to try the new one on.' }),
})

export const toRegistrationBody = (facts: RegistrationFacts): z.infer<typeof registrationAnswer> => ({
  provider: facts.provider,
  client: facts.clientId,
  credential: facts.credential && toCredentialBody(facts.credential),
  sign_in: facts.signInClientId === null ? null : { client_id: facts.signInClientId },
  expires_at: facts.expiresAt?.toISOString() ?? null,
  former_replaced_at: facts.formerReplacedAt?.toISOString() ?? null,
  updated_at: facts.updatedAt.toISOString(),
})

function toCredentialBody(facts: CredentialFacts) {
  switch (facts.kind) {
    case 'service account key':
      return {
        kind: 'service_account' as const,
        client_id: facts.numericClientId,
        email: facts.email,
        key_ids: facts.keyIds,
      }
    case 'workload identity':
      return {
        kind: 'workload_identity' as const,
        client_id: facts.numericClientId,
        email: facts.email,
        audience: facts.audience,
      }
    case 'client secret':
      return { kind: 'client_secret' as const, client_id: facts.applicationId, cloud: facts.cloud }
    case 'federated token':
      return {
        kind: 'federated_token' as const,
        client_id: facts.applicationId,
        cloud: facts.cloud,
        token_file: facts.tokenFile,
      }
    case 'certificate':
      return {
        kind: 'certificate' as const,
        client_id: facts.applicationId,
        cloud: facts.cloud,
        thumbprint: facts.thumbprint,
        expires_at: facts.expiresAt.toISOString(),
      }
  }
}
