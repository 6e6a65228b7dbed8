import { admin } from '@googleapis/admin'
import { calendar } from '@googleapis/calendar'
import { Gaxios } from 'gaxios'
import { JWT, OAuth2Client } from 'google-auth-library'
import type { OperatorCredentials } from '../seed/default-seed.js'
import type { ServiceAccountKeyFile } from './service-account-key-file.js'

/** Google's own libraries, brought to the stand-in by the transport and by nothing else; for the sandbox's own tests. */
export function vendorClients(origin: string, { googleClient }: OperatorCredentials) {
  // One class, but TypeScript sees the library's CommonJS types and our ESM ones.
  const transporter = transportTo(origin) as never
  return {
    delegated: (key: ServiceAccountKeyFile, subject: string | undefined, scopes: string[]) =>
      new JWT({
        email: key.client_email,
        key: key.private_key,
        scopes,
        ...(subject !== undefined && { subject }),
        transporter,
      }),
    signIn: (redirectUri: string) =>
      new OAuth2Client({
        ...googleClient,
        redirectUri,
        transporter,
        endpoints: { oauth2AuthBaseUrl: `${origin}/o/oauth2/v2/auth` },
      }),
    // These packages bring an older copy of the auth library, whose types do not know the newer one's.
    calendar: (auth: OAuth2Client) => calendar({ version: 'v3', auth: auth as never }),
    directory: (auth: OAuth2Client) => admin({ version: 'directory_v1', auth: auth as never }),
  }
}

function transportTo(origin: string): Gaxios {
  const transport = new Gaxios({ timeout: 2_000, retryConfig: { retry: 0, noResponseRetries: 0 } })
  const target = new URL(origin)
  transport.interceptors.request.add({
    resolved: async (config) => {
      const url = new URL(config.url)
      if (url.hostname.endsWith('.googleapis.com')) {
        config.headers.set('x-provider-host', url.hostname)
        url.protocol = target.protocol
        url.host = target.host
        config.url = url
      }
      return config
    },
  })
  return transport
}
