import { AuthorizationCode } from 'simple-oauth2'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type Client, REDIRECT_URI } from '../e2e/public-api.js'
import { Stage } from '../e2e/stage.js'

/** A client of the lax kind, which checks little and sends what it likes. */
describe('simple-oauth2', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let registered: Client

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    registered = await stage.api.addClient('Scheduler')
  })
  afterAll(() => stage?.close())

  it.each([
    ['header', 'form'],
    ['body', 'form'],
    ['body', 'json'],
  ] as const)(
    'authorises, refreshes and revokes with its secret in the %s, as %s',
    async (authorizationMethod, bodyFormat) => {
      const { id, secret } = registered
      const client = new AuthorizationCode({
        client: { id, secret },
        auth: {
          tokenHost: stage.api.url,
          tokenPath: '/oauth/token',
          revokePath: '/oauth/revoke',
          authorizePath: '/enterprise_connect/oauth/authorize',
        },
        options: { authorizationMethod, bodyFormat },
      })
      const link = client.authorizeURL({
        redirect_uri: REDIRECT_URI,
        scope: 'service_account/accounts/manage service_account/resources/manage',
        delegated_scope: 'read_only',
        state: 'lax',
      })
      const returned = await stage.api.consentAt(new URL(link), 'acme')
      const first = await client.getToken({ code: returned.searchParams.get('code') ?? '', redirect_uri: REDIRECT_URI })
      expect(first.expired()).toBe(false)
      const second = await first.refresh()
      expect(second.token.access_token).not.toBe(first.token.access_token)

      await second.revoke('refresh_token')
      await expect(second.refresh()).rejects.toMatchObject({ data: { payload: { error: 'invalid_grant' } } })
    },
  )
})
