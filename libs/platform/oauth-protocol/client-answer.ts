/**
 * The address that carries an answer back to the client (RFC 6749 section 4.1.2, `iss` of RFC 9207). Written by hand,
 * because URL's own query would spell the registered part and the state anew.
 */
export function clientAnswer(
  to: { redirectUri: string; encodedState?: string | null },
  issuer: string | null,
  parameters: Record<string, string>,
): string {
  const ours = Object.entries({ ...parameters, ...(issuer && { iss: issuer }) }).map(
    ([name, value]) => `${name}=${encodeURIComponent(value)}`,
  )
  if (to.encodedState) ours.push(`state=${to.encodedState}`)
  return to.redirectUri + joint(to.redirectUri) + ours.join('&')
}

/** A query that the redirect URI was registered with is kept (RFC 6749 section 3.1.2). */
function joint(redirectUri: string): string {
  if (!redirectUri.includes('?')) return '?'
  return /[?&]$/.test(redirectUri) ? '' : '&'
}
