import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import type { Clock } from '#platform/clock/clock.js'
import { CLOUDS } from './clouds.js'
import type { Registration } from './registration.js'
import { DEFAULT_USER_ROLE, DIRECTORY_ROLES } from './seed.js'
import type { SigningKey } from './signing-key.js'
import type { ServicePrincipal, Tenant, User } from './tenant.js'

/** What a bearer of Graph may do, as it was when the token was issued: later changes show in the next token only. */
export interface Access {
  tenantId: string
  clientId: string
  /** Null for an app acting by itself. */
  userId: string | null
  /** Application permissions (`roles`) or delegated ones (`scp`). */
  permissions: ReadonlySet<string>
  expiresAt: number
}

/** A person's sign-in to one app: what a code or a refresh token stands for. */
export interface SignIn {
  tenantId: string
  userId: string
  clientId: string
  /** As asked for: `openid`, `offline_access`, Graph's delegated permissions. */
  scopes: readonly string[]
  nonce: string | null
}

export interface Code extends SignIn {
  redirectUri: string
  challenge: string | null
  expiresAt: number
  redeemed: boolean
}

/** What a person has signed in to ends as a whole. */
interface RefreshToken extends SignIn {
  family: string
  used: boolean
}

const CODE_LIFETIME_MS = 10 * 60_000
/** Bounds what a long benchmark leaves behind; a token pushed out answers like an unknown one. */
const REMEMBERED = 50_000

export class Tokens {
  readonly #access = new RecentlyUsed<Access>(REMEMBERED)
  readonly #codes = new RecentlyUsed<Code>(REMEMBERED)
  readonly #refresh = new RecentlyUsed<RefreshToken>(REMEMBERED)
  /** Stricter than Microsoft is: whoever uses a refresh token twice has every one of its family ended (RFC 9700 section 4.14.2). */
  punishReuse = false

  constructor(
    private readonly clock: Clock,
    private readonly key: SigningKey,
  ) {}

  findAccess = (token: string): Access | null => this.#access.get(token) ?? null
  findCode = (code: string): Code | null => this.#codes.get(code) ?? null

  /** Null also for one of a family that has ended. */
  useRefreshToken(token: string): RefreshToken | null {
    const found = this.#refresh.get(token)
    if (!found) return null
    if (found.used && this.punishReuse) {
      this.#endFamily(found.family)
      return null
    }
    found.used = true
    return found
  }

  #endFamily(family: string): void {
    for (const [token, one] of this.#refresh.entries()) if (one.family === family) this.#refresh.delete(token)
  }

  /** As an administrator's or the person's own "revoke sessions" does: access tokens live on. */
  endSessions(userId: string): void {
    for (const [token, one] of this.#refresh.entries()) if (one.userId === userId) this.#refresh.delete(token)
  }

  /** Forgets every token the app holds for the tenant, as an administrator's "revoke sessions" would. */
  forget(tenantId: string, clientId: string): void {
    for (const kept of [this.#access, this.#refresh] as RecentlyUsed<Access | SignIn>[])
      for (const [token, to] of kept.entries())
        if (to.tenantId === tenantId && to.clientId === clientId) kept.delete(token)
  }

  issueAppToken(tenant: Tenant, principal: ServicePrincipal, clientId: string, seconds: number): string {
    const now = this.clock.now().getTime()
    const roles = now >= principal.rolesAt ? [...principal.roles] : []
    const token = this.key.signJwt({
      ...this.#accessClaims(tenant, clientId, now, seconds),
      idtyp: 'app',
      oid: principal.id,
      sub: principal.id,
      // A token without any permission has no `roles` at all, and is issued all the same.
      ...(roles.length > 0 ? { roles } : {}),
    })
    const expiresAt = now + seconds * 1000
    this.#access.set(token, { tenantId: tenant.id, clientId, userId: null, permissions: new Set(roles), expiresAt })
    return token
  }

  issueUserToken(tenant: Tenant, user: User, signIn: SignIn, seconds: number): string {
    const now = this.clock.now().getTime()
    const permissions = new Set(signIn.scopes)
    const token = this.key.signJwt({
      ...this.#accessClaims(tenant, signIn.clientId, now, seconds),
      idtyp: 'user',
      oid: user.id,
      sub: pairwise(signIn.clientId, user),
      upn: user.upn,
      name: user.displayName,
      scp: signIn.scopes.filter((scope) => scope !== 'offline_access').join(' '),
      wids: wids(user),
    })
    const expiresAt = now + seconds * 1000
    this.#access.set(token, { tenantId: tenant.id, clientId: signIn.clientId, userId: user.id, permissions, expiresAt })
    return token
  }

  issueIdToken(tenant: Tenant, user: User, registration: Registration, signIn: SignIn): string {
    const now = Math.floor(this.clock.now().getTime() / 1000)
    return this.key.signJwt({
      aud: registration.clientId,
      iss: `https://${CLOUDS[tenant.cloud].authority}/${tenant.id}/v2.0`,
      iat: now,
      nbf: now,
      exp: now + 3900,
      name: user.displayName,
      ...(signIn.nonce === null ? {} : { nonce: signIn.nonce }),
      oid: user.id,
      preferred_username: user.upn,
      ...(signIn.scopes.includes('email') && user.mail !== null ? { email: user.mail } : {}),
      sub: pairwise(registration.clientId, user),
      tid: tenant.id,
      uti: randomBytes(16).toString('base64url'),
      ver: '2.0',
      ...(registration.widsInIdToken ? { wids: wids(user) } : {}),
    })
  }

  issueCode(signIn: SignIn, redirectUri: string, challenge: string | null): string {
    const code = `1.${randomBytes(48).toString('base64url')}`
    const expiresAt = this.clock.now().getTime() + CODE_LIFETIME_MS
    this.#codes.set(code, { ...signIn, redirectUri, challenge, expiresAt, redeemed: false })
    return code
  }

  /** The one used before stays good: Microsoft rotates refresh tokens without revoking. */
  issueRefreshToken(signIn: SignIn & { family?: string }): string {
    const token = `1.${randomBytes(64).toString('base64url')}`
    this.#refresh.set(token, { ...signIn, nonce: null, used: false, family: signIn.family ?? randomUUID() })
    return token
  }

  #accessClaims(tenant: Tenant, clientId: string, nowMs: number, seconds: number) {
    const now = Math.floor(nowMs / 1000)
    return {
      aud: `https://${CLOUDS[tenant.cloud].graph}`,
      iss: `https://sts.windows.net/${tenant.id}/`,
      iat: now,
      nbf: now,
      exp: now + seconds,
      appid: clientId,
      tid: tenant.id,
      uti: randomUUID(),
      ver: '1.0',
    }
  }
}

const wids = (user: User) => [...user.roles.map((role) => DIRECTORY_ROLES[role]), DEFAULT_USER_ROLE]

/** The same person is another `sub` to another app. */
export const pairwise = (clientId: string, user: User) =>
  createHash('sha256').update(`${clientId} ${user.id}`).digest('base64url')
