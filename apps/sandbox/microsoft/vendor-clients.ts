import { ConfidentialClientApplication, CryptoProvider } from '@azure/msal-node'

export { type ConfidentialClientApplication, CryptoProvider }

export type Proof =
  | { clientSecret: string }
  | { clientCertificate: { privateKey: string; thumbprintSha256: string } | { privateKey: string; thumbprint: string } }

/** Microsoft's own library, brought to the stand-in by its endpoints and by nothing else; for the sandbox's own tests. */
export function msal(origin: string, clientId: string, proof: Proof): ConfidentialClientApplication {
  const base = `${origin}/{tenantid}`
  return new ConfidentialClientApplication({
    auth: {
      clientId,
      ...proof,
      // MSAL refuses an http authority, but takes http endpoints when it is told them.
      authority: 'https://login.microsoftonline.com/organizations',
      authorityMetadata: JSON.stringify({
        issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
        token_endpoint: `${base}/oauth2/v2.0/token`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        end_session_endpoint: `${base}/oauth2/v2.0/logout`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
      }),
    },
  })
}

export const authorityOf = (tenant: string) => `https://login.microsoftonline.com/${tenant}`

/** An app-only token, always from the network. */
export const appToken = (client: ConfidentialClientApplication, tenant: string) =>
  client.acquireTokenByClientCredential({
    scopes: ['https://graph.microsoft.com/.default'],
    authority: authorityOf(tenant),
    skipCache: true,
  })
