import { expiryOf } from '#domain/providers/credential-expiry.js'
import { readGoogleKeyFiles } from '#domain/providers/google/google-credential.js'
import {
  readGoogleWorkloadIdentity,
  type TypedWorkloadIdentity,
} from '#domain/providers/google/read-workload-identity.js'
import {
  readMicrosoftRegistration,
  type TypedRegistration as TypedMicrosoftRegistration,
} from '#domain/providers/microsoft/microsoft-registration.js'
import type { ProviderCredential, ProviderName } from '#domain/providers/provider.port.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { Secret } from '#platform/secrets/secret.js'

/** As it was typed at a terminal or sent to `/admin/v1`. */
export type TypedRegistration =
  | {
      provider: 'google'
      /** The texts of JSON key files, the newest key first. */
      keyFiles?: readonly string[]
      /** Instead of keys: the configuration, and the service account that Google signs for. */
      workloadIdentity?: Partial<TypedWorkloadIdentity>
      oauthClientId?: string
      oauthClientSecret?: string
    }
  | ({
      provider: 'microsoft'
      /** Nothing but Entra knows it of a secret, and its page says it. A certificate says it itself. */
      secretExpiresAt?: Date
    } & TypedMicrosoftRegistration)

export interface Registration {
  provider: ProviderName
  /** With what Mandate acts. Undefined: stays as it is. */
  credential?: ProviderCredential
  /** Of that credential, where it is known. */
  expiresAt?: Date | null
  /** With what administrators sign in at Google; at Microsoft with the above. Undefined: stays as it is. */
  signIn?: { clientId: string; clientSecret: Secret<string> }
}

/** @throws ValidationError by the names of `registration.dto` */
export function readRegistration(typed: TypedRegistration, now: Date): Registration {
  if (typed.provider === 'google') return readGoogle(typed)
  const credential = readMicrosoftRegistration({ cloud: 'global', ...typed }, now)
  const { secretExpiresAt } = typed
  if (secretExpiresAt && credential.proof.kind !== 'secret')
    throw invalidField('client_secret_expires_at', 'errors.invalid', 'only with a client secret')
  if (secretExpiresAt && secretExpiresAt <= now)
    throw invalidField('client_secret_expires_at', 'errors.invalid', 'must lie ahead')
  return { provider: 'microsoft', credential, expiresAt: secretExpiresAt ?? expiryOf(credential) }
}

function readGoogle(typed: TypedRegistration & { provider: 'google' }): Registration {
  const { keyFiles, workloadIdentity, oauthClientId: clientId, oauthClientSecret: clientSecret } = typed
  if (keyFiles && workloadIdentity)
    throw invalidField('workload_identity', 'errors.invalid', 'give a key file or a workload identity, not both')
  if (!keyFiles && !workloadIdentity && clientId === undefined && clientSecret === undefined)
    throw invalidField('key_file', 'errors.required', 'required, or an OAuth client id with its secret')
  if (clientId && !clientSecret)
    throw invalidField('oauth_client_secret', 'errors.required', 'required beside the OAuth client id')
  if (clientSecret && !clientId)
    throw invalidField('oauth_client_id', 'errors.required', 'required beside the OAuth client secret')
  return {
    provider: 'google',
    ...(keyFiles && { credential: readGoogleKeyFiles(keyFiles) }),
    ...(workloadIdentity && { credential: readGoogleWorkloadIdentity(workloadIdentity) }),
    ...(clientId && clientSecret ? { signIn: { clientId, clientSecret: new Secret(clientSecret) } } : {}),
  }
}
