import { z } from 'zod'
import { Secret } from '#platform/secrets/secret.js'
import { MICROSOFT_CLOUD_NAMES, type ProviderCredential } from './provider.port.js'

const secret = z.string().transform((value) => new Secret(value))

const stored = z.discriminatedUnion('provider', [
  z.strictObject({
    provider: z.literal('google'),
    clientEmail: z.string(),
    clientId: z.string(),
    proof: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('keys'),
        keys: z.array(z.strictObject({ id: z.string().nullable(), privateKey: secret })).min(1),
      }),
      z.strictObject({ kind: z.literal('workload-identity'), configuration: secret }),
    ]),
  }),
  z.strictObject({
    provider: z.literal('microsoft'),
    clientId: z.string(),
    cloud: z.enum(MICROSOFT_CLOUD_NAMES).nullable(),
    proof: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('secret'), clientSecret: secret }),
      z.strictObject({
        kind: z.literal('certificate'),
        certificatePem: z.string(),
        privateKey: secret,
        sendChain: z.boolean(),
      }),
      z.strictObject({ kind: z.literal('federated'), tokenFile: z.string() }),
    ]),
  }),
])

/** The one text form of a credential, for sealing. Secrets are in it in clear, so it is a secret as a whole. */
export function serialiseCredential(credential: ProviderCredential): Secret<string> {
  return new Secret(JSON.stringify(credential, revealed))
}

/** Looks at the property itself: what JSON hands over as the value has been through `toJSON`, and is `[secret]` already. */
function revealed(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const property = this[name]
  return property instanceof Secret ? property.reveal() : value
}

/** @throws Error for text that `serialiseCredential` did not write; says nothing of its content */
export function parseCredential(text: Secret<string>): ProviderCredential {
  try {
    return stored.parse(JSON.parse(text.reveal()))
  } catch {
    throw new Error('the stored provider credential cannot be read')
  }
}
