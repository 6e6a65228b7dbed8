/** The vendor's SDK comes without types; these are the calls that the demo and the conformance tests make. */
declare module 'cronofy' {
  interface Tokens {
    access_token: string
    refresh_token: string
    sub: string
    account_id?: string
    service_account_id?: string
    scope: string
    expires_in: number
    linking_profile?: { provider_name: string; provider_service: string; profile_id: string; profile_name: string }
  }

  export default class Cronofy {
    constructor(config: { client_id: string; client_secret: string; access_token?: string; refresh_token?: string })
    config: { access_token?: string; refresh_token?: string }
    urls: { api: string }
    requestAccessToken(options: { code: string; redirect_uri: string }): Promise<Tokens>
    refreshAccessToken(): Promise<Tokens>
    revokeAuthorization(options?: { token?: string; sub?: string }): Promise<unknown>
    authorizeWithServiceAccount(options: object): Promise<unknown>
    userInfo(): Promise<Record<string, unknown>>
    accountInformation(): Promise<{ account: Record<string, unknown> }>
    hmacValid(options: { hmac: string; body: string }): boolean
    _httpGet(path: string, options: object): Promise<Record<string, unknown>>
  }
}
