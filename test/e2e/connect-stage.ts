import { UserTokenKeys } from '#domain/clients/user-token-keys.js'
import { EndUserOAuthHttpModule } from '#features/end-user-oauth/end-user-oauth.http.module.js'
import { EndUserOAuthWorkerModule } from '#features/end-user-oauth/end-user-oauth.worker.module.js'
import { GraphqlHttpModule } from '#features/graphql/graphql.http.module.js'
import { ProxyHttpModule } from '#features/proxy/proxy.http.module.js'
import { TokensHttpModule } from '#features/tokens/tokens.http.module.js'
import { Database } from '#platform/database/database.js'
import type { Secret } from '#platform/secrets/secret.js'
import { type Fields, type Page, PlainBrowser } from '../../apps/demo/plain-browser.js'
import { type ConsentStage, openConsentStage, type StageClient } from './consent-stage.js'
import { hasButton } from './consent-visit.js'
import { signUserToken } from './user-token.js'

const FEATURES = [
  EndUserOAuthHttpModule,
  EndUserOAuthWorkerModule,
  GraphqlHttpModule,
  ProxyHttpModule,
  TokensHttpModule,
]

export interface ConnectClient extends StageClient {
  /** The bearer that the client makes for one of its users. */
  userToken(userId: string): Promise<string>
}

/** A Mandate at which people connect accounts of their own, between stand-ins for both providers. */
export interface ConnectStage extends ConsentStage {
  addConnectClient(name: string, redirectUri: string): Promise<ConnectClient>
}

export async function openConnectStage(databaseUrl: Secret<string>): Promise<ConnectStage> {
  const stage = await openConsentStage(databaseUrl, FEATURES)
  await stage.setOperatorCredentials()
  return {
    ...stage,
    addConnectClient: async (name, redirectUri) => {
      const client = await stage.addClient(name, redirectUri)
      const keys = stage.app.get(UserTokenKeys, { strict: false })
      const database = stage.app.get(Database, { strict: false })
      const { secret } = await database.inTransaction((tx) => keys.rotateSecret(tx, client.id))
      const signer = { clientId: client.id, secret: secret.reveal(), audience: stage.url }
      return {
        ...client,
        userToken: (userId) => signUserToken(signer, userId),
      }
    },
  }
}

/** One person with a browser that has no scripts, at a provider's pages. */
export class PersonVisit {
  readonly browser: PlainBrowser

  constructor(leavesFor: string) {
    this.browser = new PlainBrowser(leavesFor)
  }

  /**
   * Signs in and allows everything, unless `fields` of the last form say otherwise; and once more where that is asked, for an
   * account that is connected for something else already.
   */
  async connect(url: string, email: string, fields: Fields = {}): Promise<Page> {
    let page = await this.browser.open(url)
    for (let screens = 0; screens < 4 && page.status === 200; screens++) {
      const allow = ['Allow', 'Accept'].find((label) => hasButton(page, label))
      if (allow) page = await this.browser.submit(page, allow, fields)
      else if (hasAccount(page, email)) page = await this.#choose(page, email)
      else return page
    }
    return page
  }

  async deny(url: string, email: string): Promise<Page> {
    const choice = await this.browser.open(url)
    // Microsoft asks an organisation's people for nothing more, and has its way out here.
    const last = hasButton(choice, 'Cancel') ? choice : await this.#choose(choice, email)
    return this.browser.submit(last, 'Cancel')
  }

  #choose(page: Page, email: string): Promise<Page> {
    return this.browser.submit(page, named(email))
  }
}

const named = (email: string) => new RegExp(email.replaceAll('.', '\\.'))

const hasAccount = ({ document }: Page, email: string) =>
  document.querySelectorAll('button').some((button) => named(email).test(button.structuredText))
