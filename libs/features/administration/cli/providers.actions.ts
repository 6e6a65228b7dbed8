import { type AnswerOptions, answer, facts } from '#platform/cli/answer.js'
import { readFileArgument, readSecretArgument } from '#platform/cli/read-argument.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { readInput } from '#platform/http/read-input.js'
import type { TypedRegistration } from '../read-registration.js'
import { registeredProviderDto, registrationDtos, toRegistrationBody } from '../registration.dto.js'
import { RollBackProviderCredential } from '../roll-back-provider-credential.js'
import { SetProviderCredential } from '../set-provider-credential.js'
import { ShowProviderCredentials } from '../show-provider-credentials.js'

type RegistrationBody = ReturnType<typeof toRegistrationBody>

interface OwnerOptions extends AnswerOptions {
  client?: string
}

interface SetOptions extends OwnerOptions {
  untested?: boolean
}

interface GoogleOptions extends SetOptions {
  serviceAccount?: string[]
  workloadIdentity?: string
  serviceAccountEmail?: string
  serviceAccountId?: string
  oauthClientId?: string
  oauthClientSecret?: string
}

export async function setGoogle(run: RunStep, options: GoogleOptions) {
  const { serviceAccount, workloadIdentity, oauthClientId, oauthClientSecret } = options
  await set(run, options, {
    provider: 'google',
    keyFiles: serviceAccount && (await Promise.all(serviceAccount.map((path) => readFileArgument('key_file', path)))),
    workloadIdentity:
      workloadIdentity === undefined
        ? undefined
        : {
            configuration: await readFileArgument('workload_identity', workloadIdentity),
            service_account: options.serviceAccountEmail,
            client_id: options.serviceAccountId,
          },
    oauthClientId,
    oauthClientSecret: await readSecretArgument('oauth_client_secret', oauthClientSecret),
  })
}

interface MicrosoftOptions extends SetOptions {
  clientId: string
  cloud?: string
  clientSecret?: string
  clientSecretExpires?: string
  certificate?: string
  key?: string
  pfx?: string
  password?: string
  sendChain?: boolean
  federatedTokenFile?: string
}

export async function setMicrosoft(run: RunStep, options: MicrosoftOptions) {
  const { clientId, cloud, clientSecret, certificate, key, pfx, password, sendChain, federatedTokenFile } = options
  const body = {
    client_id: clientId,
    cloud,
    client_secret: await readSecretArgument('client_secret', clientSecret),
    client_secret_expires_at: options.clientSecretExpires,
    certificate: certificate === undefined ? undefined : await readFileArgument('certificate', certificate),
    private_key: key === undefined ? undefined : await readFileArgument('private_key', key),
    pfx: pfx === undefined ? undefined : await readFileArgument('pfx', pfx, 'base64'),
    password: await readSecretArgument('password', password),
    send_chain: sendChain,
    federated_token_file: federatedTokenFile,
  }
  await set(run, options, readInput(registrationDtos.microsoft, body))
}

export async function rollBack(run: RunStep, provider: string, options: OwnerOptions) {
  const named = readInput(registeredProviderDto, { provider })
  const facts = await run(RollBackProviderCredential, (step) => step.rollBack(named.provider, options.client ?? null))
  const body = toRegistrationBody(facts)
  answer(options, body, () => describe(body))
}

export async function showProviders(run: RunStep, options: AnswerOptions) {
  const registrations = await run(ShowProviderCredentials, (step) => step.show())
  const providers = registrations.map(toRegistrationBody)
  answer(options, { providers }, () =>
    providers.length === 0
      ? ['Nothing is set. "mandate providers set google --help" and "… microsoft --help" tell how.']
      : providers.flatMap(describe),
  )
}

async function set(run: RunStep, options: SetOptions, typed: TypedRegistration) {
  const { client = null, untested = false } = options
  const body = toRegistrationBody(await run(SetProviderCredential, (step) => step.set(typed, client, untested)))
  answer(options, body, () => describe(body))
}

function describe(registration: RegistrationBody): string[] {
  const { provider, client, credential, sign_in, expires_at, former_replaced_at, updated_at } = registration
  const name = provider === 'google' ? 'Google' : 'Microsoft'
  const missingSignIn =
    'not set: customers cannot connect through this until --oauth-client-id and --oauth-client-secret are'
  return [
    `${name}, for ${client ? `the client ${client}` : 'every client that has none of its own'}:`,
    facts({
      ...(credential ? credentialFacts(credential) : { 'acts with': 'nothing' }),
      'signs in with': sign_in?.client_id ?? missingSignIn,
      ...(expires_at && { expires: expires_at }),
      ...(former_replaced_at && { 'can go back to': `the one until ${former_replaced_at}` }),
      'last changed': updated_at,
    }),
  ]
}

function credentialFacts(credential: NonNullable<RegistrationBody['credential']>): Record<string, string> {
  switch (credential.kind) {
    case 'service_account':
      return {
        'acts as': `${credential.email} (keys ${credential.key_ids.map((id) => id ?? 'without a name').join(', ')})`,
        'numeric client id': `${credential.client_id} (for domain-wide delegation)`,
      }
    case 'workload_identity':
      return {
        'acts as': `${credential.email}, by workload identity`,
        'numeric client id': `${credential.client_id} (for domain-wide delegation)`,
        audience: credential.audience,
      }
    case 'client_secret':
      return { ...appFacts(credential), 'proves it by': 'client secret' }
    case 'federated_token':
      return { ...appFacts(credential), 'proves it by': `the token in ${credential.token_file}` }
    case 'certificate':
      return {
        ...appFacts(credential),
        'proves it by': `certificate ${credential.thumbprint}, valid until ${credential.expires_at}`,
      }
  }
}

const appFacts = ({ client_id, cloud }: { client_id: string; cloud: string | null }): Record<string, string> => ({
  'acts as': client_id,
  ...(cloud && { 'in the cloud': cloud }),
})
