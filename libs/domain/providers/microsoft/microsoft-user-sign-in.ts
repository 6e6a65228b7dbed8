import type { ProviderError } from '#platform/errors/provider-error.js'
import { Secret } from '#platform/secrets/secret.js'
import type { ReturnedRefusal, SignInAttempt } from '../administrator.port.js'
import type { MicrosoftCredential } from '../provider.port.js'
import type { AskedConsent, ConnectedPerson, PersonTokens, UserSignIn } from '../user-sign-in.port.js'
import { classifyMicrosoftReturn } from './classify-microsoft-failure.js'
import { microsoftError } from './microsoft-errors.js'
import type { MicrosoftSignIn, MicrosoftTokenAnswer } from './microsoft-sign-in.js'

const IDENTITY_SCOPES = ['openid', 'profile', 'email']
/** The last comes with them unasked, where an administrator has consented for everybody: the person's own profile. */
const GRANTED_IDENTITY = [...IDENTITY_SCOPES, 'User.Read']
/** Without it there is no refresh token, neither at first nor after a refresh. */
const OFFLINE = 'offline_access'

export class MicrosoftUserSignIn implements UserSignIn {
  readonly name = 'microsoft'
  readonly revocation = null
  readonly serverAuthCodes = null

  constructor(private readonly signIn: MicrosoftSignIn) {}

  /**
   * Consent is asked for by Microsoft itself, where it has none: asked for by name (`prompt=consent`) it would shut out
   * everybody whose administrator has given it for the whole organisation and lets nobody else.
   */
  authorizationUrl(
    registration: MicrosoftCredential,
    attempt: SignInAttempt,
    { scopes, loginHint, reauthorise }: AskedConsent,
  ): URL {
    return this.signIn.url(registration, attempt, 'common', {
      scope: [...IDENTITY_SCOPES, OFFLINE, ...scopes].join(' '),
      ...(!reauthorise && { prompt: 'select_account' }),
      ...(loginHint && { login_hint: loginHint }),
    })
  }

  async exchange(registration: MicrosoftCredential, attempt: SignInAttempt, code: string): Promise<ConnectedPerson> {
    const { answer, identity } = await this.signIn.exchange(registration, attempt, 'common', { code })
    const { providerUserId, email, displayName, tenant } = identity
    return {
      providerUserId,
      email,
      displayName,
      organisation: tenant.id,
      cloud: tenant.cloud.name,
      tokens: tokensIn(answer),
    }
  }

  async refresh(
    registration: MicrosoftCredential,
    refreshToken: Secret<string>,
    scopes: readonly string[],
  ): Promise<PersonTokens> {
    const answer = await this.signIn.askForTokens(registration, 'common', {
      grant_type: 'refresh_token',
      refresh_token: refreshToken.reveal(),
      scope: [OFFLINE, ...scopes].join(' '),
    })
    return tokensIn({ scope: scopes.join(' '), ...answer })
  }

  refusalOf({ error, description }: ReturnedRefusal): ProviderError {
    return classifyMicrosoftReturn(error, description)
  }
}

function tokensIn({ access_token, expires_in, refresh_token, scope = '' }: MicrosoftTokenAnswer): PersonTokens {
  if (!access_token || !(Number(expires_in) > 0))
    throw microsoftError('provider.unavailable', { detail: 'the token answer held no token' })
  return {
    accessToken: new Secret(access_token),
    lifetimeMs: Number(expires_in) * 1000,
    refreshToken: refresh_token ? new Secret(refresh_token) : null,
    grantedScopes: scope
      .split(' ')
      .map((name) => name.replace(/^https:\/\/[^/]+\//, ''))
      .filter((name) => name !== '' && name !== OFFLINE && !GRANTED_IDENTITY.includes(name)),
  }
}
