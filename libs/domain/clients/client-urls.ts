import { type FieldProblem } from '#platform/errors/validation-error.js'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

const problem = (key: string, description: string): FieldProblem => ({ key, description })

/**
 * A redirect URI is compared byte for byte later (RFC 9700 section 2.1), so only a canonical spelling may be registered.
 * Plain http is for loopback; wildcards are refused.
 */
export function redirectUriProblem(text: string): FieldProblem | null {
  const url = URL.parse(text)
  if (!url) return problem('errors.invalid_url', 'must be an absolute URL')
  if (text.includes('*')) return problem('errors.wildcard', 'must not hold a wildcard: register every URL')
  if (text.includes('#')) return problem('errors.fragment', 'must not have a fragment (RFC 6749 section 3.1.2)')
  if (url.username || url.password) return problem('errors.credentials', 'must not hold a user name or password')
  if (!isHttpsOrLoopback(url)) return problem('errors.scheme', 'must be https, or http on a loopback address')
  if (!isCanonical(text, url))
    return problem('errors.not_canonical', `must be written in its canonical form: ${url.href}`)
  return null
}

export function callbackOriginProblem(text: string): FieldProblem | null {
  const url = URL.parse(text)
  if (!url || url.origin === 'null')
    return problem('errors.invalid_url', 'must be an origin such as https://app.example.com')
  if (text.includes('*')) return problem('errors.wildcard', 'must not hold a wildcard: register every origin')
  if (!/^https?:$/.test(url.protocol)) return problem('errors.scheme', 'must be https or http')
  if (text !== url.origin) return problem('errors.not_an_origin', `must be an origin without a path: ${url.origin}`)
  return null
}

/** Where it leads is checked at each call (platform/egress), not here: names change their mind. */
export function jwksUriProblem(text: string): FieldProblem | null {
  const url = URL.parse(text)
  if (!url) return problem('errors.invalid_url', 'must be an absolute URL')
  if (text.includes('#')) return problem('errors.fragment', 'must not have a fragment, which never reaches a server')
  if (url.username || url.password) return problem('errors.credentials', 'must not hold a user name or password')
  if (!isHttpsOrLoopback(url)) return problem('errors.scheme', 'must be https, or http on a loopback address')
  return null
}

const isHttpsOrLoopback = (url: URL) =>
  url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname))

/** `https://a.example` and `https://a.example/` are the one spelling that both people and parsers call canonical. */
const isCanonical = (text: string, url: URL) => text === url.href || `${text}/` === url.href
