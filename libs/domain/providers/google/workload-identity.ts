import { setTimeout as pause } from 'node:timers/promises'
import type { AwsClientOptions, IdentityPoolClientOptions } from 'google-auth-library'
import type { Clock } from '#platform/clock/clock.js'
import type { Secret } from '#platform/secrets/secret.js'
import { classifyIdentityFailure } from './classify-google-failure.js'
import { googleError } from './google-errors.js'

type Configuration = AwsClientOptions | IdentityPoolClientOptions

const isAws = (options: Configuration): options is AwsClientOptions =>
  'environment_id' in (options.credential_source ?? {})

const SCOPES = ['https://www.googleapis.com/auth/iam']

/** A bearer token with which this installation, vouched for by its own platform, may call Google's IAM. */
export type OwnIdentity = () => Promise<string>

/** Google's library knows the platforms (a file, a URL, AWS); it is loaded only where an operator works without keys. */
export class WorkloadIdentity {
  constructor(
    private readonly clock: Clock,
    private readonly sandboxUrl: URL | null,
    private readonly timeoutMs: number,
  ) {}

  /** @returns asks for a token when there is none, or when the last one is about to end */
  async open(configuration: Secret<string>): Promise<OwnIdentity> {
    const { AwsClient, IdentityPoolClient } = await import('google-auth-library')
    const options = { ...this.#atSandbox(JSON.parse(configuration.reveal())), scopes: SCOPES }
    const client = isAws(options) ? new AwsClient(options) : new IdentityPoolClient(options)
    return async () => {
      try {
        // The library knows no deadline.
        const answer = await Promise.race([client.getAccessToken(), this.#deadline()])
        if (answer?.token) return answer.token
      } catch (error) {
        throw classifyIdentityFailure(error, this.clock.now())
      }
      throw googleError('provider.unavailable', { detail: 'the token exchange held no token in time' })
    }
  }

  #deadline = () => pause(this.timeoutMs, null, { ref: false })

  #atSandbox(options: Configuration): Configuration {
    const { sandboxUrl } = this
    if (!sandboxUrl) return options
    const moved = (url: string) => new URL(new URL(url).pathname, sandboxUrl).href
    const { token_url, service_account_impersonation_url: through } = options
    return {
      ...options,
      token_url: moved(token_url!),
      ...(through && { service_account_impersonation_url: moved(through) }),
    }
  }
}
