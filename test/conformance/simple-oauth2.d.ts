/** The package has no types; these are the parts that the test calls. */
declare module 'simple-oauth2' {
  export interface Token {
    access_token: string
    refresh_token: string
    scope: string
  }

  export class AccessToken {
    readonly token: Token
    expired(): boolean
    refresh(): Promise<AccessToken>
    revoke(kind: 'access_token' | 'refresh_token'): Promise<void>
  }

  export class AuthorizationCode {
    constructor(options: {
      client: { id: string; secret: string }
      auth: { tokenHost: string; tokenPath: string; revokePath: string; authorizePath: string }
      options?: { authorizationMethod?: 'header' | 'body'; bodyFormat?: 'form' | 'json' }
    })
    authorizeURL(parameters: Record<string, string>): string
    getToken(parameters: { code: string; redirect_uri: string }): Promise<AccessToken>
  }
}
