/** Where Microsoft is: the global cloud, or a stand-in that has both halves at the root of one origin. */
export interface MicrosoftCloud {
  login: string
  graph: string
  /** MSAL refuses an authority that is not https, but takes a stand-in's endpoints from here. Null: its own knowledge. */
  authorityMetadata: string | null
}

export const AUTHORITY = 'https://login.microsoftonline.com'
export const GRAPH = 'https://graph.microsoft.com'
/** The resource's name, which stays what it is wherever Graph is reached. */
export const GRAPH_APP_SCOPE = `${GRAPH}/.default`

export function microsoftCloud(sandboxUrl: URL | null): MicrosoftCloud {
  if (!sandboxUrl) return { login: AUTHORITY, graph: GRAPH, authorityMetadata: null }
  const { origin } = sandboxUrl
  const tenant = `${origin}/{tenantid}`
  return {
    login: origin,
    graph: origin,
    authorityMetadata: JSON.stringify({
      issuer: `${AUTHORITY}/{tenantid}/v2.0`,
      token_endpoint: `${tenant}/oauth2/v2.0/token`,
      authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
      end_session_endpoint: `${tenant}/oauth2/v2.0/logout`,
      jwks_uri: `${tenant}/discovery/v2.0/keys`,
    }),
  }
}
