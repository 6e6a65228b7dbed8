import type { FastifyInstance, FastifyReply } from 'fastify'
import { maySignIn } from './access-tokens.js'
import {
  type AuthorizationRequest,
  readAuthorizationRequest,
  refuseOutsiders,
  returnAddress,
} from './authorization-request.js'
import type { GoogleWorld } from './google-world.js'
import type { User } from './organisation.js'
import { isSignInScope } from './scopes.js'
import { CONSENT_FIELD, consentPage, signInPage } from './sign-in-pages.js'
import { type TextFields, textFields } from './text-fields.js'

const ACCOUNTS_SHOWN_PER_ORGANISATION = 8

/**
 * accounts.google.com in a browser: choose an account, allow, return. The pages carry the client's query with them and
 * check it again, so there is no session, and two browsers or two tabs never meet.
 */
export function registerSignInRoutes(http: FastifyInstance, world: GoogleWorld): void {
  http.get('/o/oauth2/v2/auth', async (request, reply) => {
    const query = textFields(request)
    const asked = readAuthorizationRequest(world, query)
    return html(reply, signIn(world, asked, queryOf(query), asked.loginHint ?? '', null))
  })

  http.post('/o/oauth2/v2/auth/account', async (request, reply) => {
    const { request: carried = '', email = '' } = textFields(request)
    const asked = readAuthorizationRequest(world, fieldsOf(carried))
    const user = world.findUser(email.trim())
    const problem = problemWith(user)
    if (!user || problem) return html(reply, signIn(world, asked, carried, email, problem))
    refuseOutsiders(asked, user)
    const before = world.consents.find(user, asked.client.clientId)
    const nothingNew = before !== null && [...asked.scopes].every((scope) => before.scopes.has(scope))
    if (nothingNew && !asked.askAgain) return reply.redirect(allow(world, asked, user, asked.scopes), 303)
    return html(reply, consentPage({ clientName: asked.client.name, request: carried, user, scopes: asked.scopes }))
  })

  http.post('/o/oauth2/v2/auth/consent', async (request, reply) => {
    const { request: carried = '', email = '', decision, ...ticked } = textFields(request)
    const asked = readAuthorizationRequest(world, fieldsOf(carried))
    if (decision !== 'allow') return reply.redirect(returnAddress(asked, { error: 'access_denied' }), 303)
    const user = world.findUser(email)
    const problem = problemWith(user)
    if (!user || problem) return html(reply, signIn(world, asked, carried, email, problem))
    refuseOutsiders(asked, user)
    const granted = [...asked.scopes].filter((scope) => isSignInScope(scope) || `${CONSENT_FIELD}${scope}` in ticked)
    return reply.redirect(allow(world, asked, user, new Set(granted)), 303)
  })
}

/** @returns where the browser goes next, with a code */
function allow(world: GoogleWorld, asked: AuthorizationRequest, user: User, scopes: ReadonlySet<string>): string {
  const first = world.consents.find(user, asked.client.clientId) === null
  const consent = world.consents.allow(user, asked.client.clientId, scopes)
  const granted = asked.includeGranted ? new Set([...consent.scopes, ...scopes]) : scopes
  const code = world.consents.issueCode({
    consent,
    clientId: asked.client.clientId,
    redirectUri: asked.redirectUri,
    scopes: granted,
    nonce: asked.nonce,
    codeChallenge: asked.codeChallenge,
    // Google gives a refresh token with the first consent, and again only when asked to ask again.
    withRefreshToken: asked.offline && (first || asked.askAgain),
  })
  return returnAddress(asked, {
    code,
    scope: [...granted].join(' '),
    authuser: '0',
    ...(user.organisation && { hd: user.organisation.primaryDomain }),
    prompt: asked.askAgain ? 'consent' : 'none',
  })
}

function signIn(
  world: GoogleWorld,
  asked: AuthorizationRequest,
  request: string,
  email: string,
  problem: string | null,
): string {
  const accounts = [
    ...world.organisations.flatMap(({ users }) => users.slice(0, ACCOUNTS_SHOWN_PER_ORGANISATION)),
    ...world.personalAccounts,
  ]
  return signInPage({ clientName: asked.client.name, request, accounts, email, problem })
}

function problemWith(user: User | null): string | null {
  if (!user || user.deletedAt) return "Couldn't find your Google Account"
  return maySignIn(user) ? null : 'Your account has been suspended. Ask your administrator.'
}

const html = (reply: FastifyReply, page: string) => reply.type('text/html; charset=utf-8').send(page)

const queryOf = (fields: TextFields) => new URLSearchParams(fields as Record<string, string>).toString()

const fieldsOf = (query: string): TextFields => Object.fromEntries(new URLSearchParams(query))
