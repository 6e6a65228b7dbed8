import type { FastifyRequest } from 'fastify'
import { AadstsError } from '../aadsts.js'
import type { Registration } from '../registration.js'
import { type Fields, fieldsOf } from '../request.js'
import { type AssertionContext, verifyClientAssertion } from './client-assertion.js'

/** The form with `client_id` and `client_secret` from a Basic header, which Microsoft takes as well (RFC 6749 section 2.3.1). */
export function formOf(request: FastifyRequest): Fields {
  const form = fieldsOf(request)
  const [scheme, encoded] = (request.headers.authorization ?? '').split(' ', 2)
  if (scheme?.toLowerCase() !== 'basic' || !encoded) return form
  const [id = '', ...secret] = Buffer.from(encoded, 'base64').toString().split(':')
  return { ...form, client_id: formDecoded(id), client_secret: formDecoded(secret.join(':')) }
}

function formDecoded(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    return value
  }
}

/** Proves the client by secret or certificate. A public client proves nothing and may not try. */
export function authenticateClient(registration: Registration, form: Fields, context: AssertionContext): void {
  const presented = form.client_secret !== undefined || form.client_assertion !== undefined
  if (registration.publicClient) {
    if (presented) throw new AadstsError(700025, { client: registration.clientId })
    return
  }
  if (!presented) throw new AadstsError(7000218)
  if (form.client_assertion !== undefined) verifyClientAssertion(form.client_assertion, registration, context)
  else checkSecret(registration, form.client_secret as string, context.nowMs)
}

function checkSecret({ clientId, secrets }: Registration, value: string, nowMs: number): void {
  const known = secrets.find((secret) => secret.value === value)
  if (!known) throw new AadstsError(7000215, { client: clientId })
  if (known.expiresAt !== null && known.expiresAt <= nowMs) throw new AadstsError(7000222, { client: clientId })
}
