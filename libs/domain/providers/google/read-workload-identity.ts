import { z } from 'zod'
import { ValidationError } from '#platform/errors/validation-error.js'
import { Secret } from '#platform/secrets/secret.js'
import type { GoogleCredential } from '../provider.port.js'
import { serviceAccountAddress, serviceAccountId } from './google-credential.js'

const GOOGLE_ONLY = 'Only service accounts of the public Google Cloud (googleapis.com) can act in Google Workspace.'
const SOURCE =
  'The token must come from a file, a URL or AWS; a program to run, or a client certificate, is not taken from a configuration.'

/**
 * What `gcloud iam workload-identity-pools create-cred-config` writes. It names files and URLs of this installation's
 * own platform, so only the operator may give it; what is read there goes to Google and to nobody else.
 */
const configuration = z.looseObject({
  type: z.literal('external_account', { error: 'This is no workload identity configuration ("external_account").' }),
  audience: z.string({ error: 'The audience is missing.' }).startsWith('//iam.googleapis.com/', {
    error: 'The audience must name a workload identity provider (//iam.googleapis.com/projects/...).',
  }),
  subject_token_type: z.string({ error: 'The type of the subject token is missing.' }),
  token_url: z.literal('https://sts.googleapis.com/v1/token', {
    error: 'The token is exchanged at https://sts.googleapis.com/v1/token and nowhere else.',
  }),
  service_account_impersonation_url: z
    .string()
    .startsWith('https://iamcredentials.googleapis.com/', {
      error: 'This must be a URL of iamcredentials.googleapis.com.',
    })
    .optional(),
  universe_domain: z.literal('googleapis.com', { error: GOOGLE_ONLY }).optional(),
  credential_source: z
    .looseObject({
      file: z.string().min(1).optional(),
      url: z.url().optional(),
      environment_id: z.literal('aws1').optional(),
      executable: z.never({ error: SOURCE }).optional(),
      certificate: z.never({ error: SOURCE }).optional(),
    })
    .refine(({ file, url, environment_id }) => file || url || environment_id, { error: SOURCE }),
})

const workloadIdentity = z.object({
  configuration: z.string().transform(parsed).pipe(configuration),
  service_account: serviceAccountAddress,
  client_id: serviceAccountId,
})

/** As it was typed at a terminal, or sent to `/admin/v1`; the configuration is the text of a JSON file. */
export type TypedWorkloadIdentity = z.input<typeof workloadIdentity>

/** @throws ValidationError by `workload_identity.<field>` */
export function readGoogleWorkloadIdentity(typed: Partial<TypedWorkloadIdentity>): GoogleCredential {
  const read = workloadIdentity.safeParse(typed)
  if (!read.success) {
    const problems = read.error.issues.map(({ path, message, code }) => [
      ['workload_identity', ...path].join('.'),
      [{ key: code === 'invalid_type' ? 'errors.required' : 'errors.invalid', description: message }],
    ])
    throw new ValidationError(Object.fromEntries(problems))
  }
  const { configuration, service_account: clientEmail, client_id: clientId } = read.data
  const proof = { kind: 'workload-identity' as const, configuration: new Secret(JSON.stringify(configuration)) }
  return { provider: 'google', clientEmail, clientId, proof }
}

function parsed(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text)
  } catch {
    context.addIssue('This is not a JSON file.')
    return z.NEVER
  }
}

/** What may be shown of a configuration. */
export const audienceOf = (configuration: Secret<string>): string => JSON.parse(configuration.reveal()).audience
