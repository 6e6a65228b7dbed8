import { createHmac } from 'node:crypto'
import { equalInConstantTime, hashOf } from '#platform/secrets/random.js'
import type { Secret } from '#platform/secrets/secret.js'
import type { Consent } from './consent.entity.js'

/**
 * A consent is tied to one browser by a cookie of its own: several tabs do not disturb one another, and the cookie can
 * be renewed at sign-in without touching theirs. `__Host-` keeps sibling domains from planting one (RFC 6265bis 4.1.3.2).
 */
export const cookieName = (consentId: string, secure: boolean) => `${secure ? '__Host-' : ''}mandate-${consentId}`

/** Abandoned visits leave cookies behind; more than these few at once would only swell the request. */
const MOST_COOKIES = 8

/** The oldest consent cookies beyond the few we keep. Browsers send the oldest first (RFC 6265 section 5.4). */
export function surplusCookies(names: readonly string[]): string[] {
  const ours = names.filter((name) => /^(__Host-)?mandate-con_/.test(name))
  return ours.slice(0, Math.max(0, ours.length + 1 - MOST_COOKIES))
}

export const isBrowserOf = (consent: Pick<Consent, 'cookieHash'>, cookie: string) =>
  equalInConstantTime(consent.cookieHash, hashOf(cookie))

/** Keyed with the cookie, which only this browser has; good for one move, because every move makes a new revision. */
export function csrfToken(cookie: Secret<string>, consent: Pick<Consent, 'id' | 'revision'>): string {
  return `${consent.revision}.${mac(cookie, consent.id, consent.revision)}`
}

/** The revision at which our own page made this token; null when it did not. */
export function revisionOf(token: string, cookie: Secret<string>, consentId: string): number | null {
  const [, revision, proof] = /^(\d{1,9})\.([\w-]{43})$/.exec(token) ?? []
  if (revision === undefined || proof === undefined) return null
  return equalInConstantTime(proof, mac(cookie, consentId, Number(revision))) ? Number(revision) : null
}

const mac = (cookie: Secret<string>, consentId: string, revision: number) =>
  createHmac('sha256', cookie.reveal()).update(`consent form\n${consentId}\n${revision}`).digest('base64url')
