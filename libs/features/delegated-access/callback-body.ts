import type { Secret } from '#platform/secrets/secret.js'
import type { ClaimedDelivery } from './delivery-statements.js'

type Told = Pick<ClaimedDelivery, 'state' | 'error' | 'error_key' | 'error_description'>

/** Exactly the bytes that are signed and sent. Never both a code and an error: SDKs tell the two apart by presence. */
export function callbackBody(request: Told, code: Secret<string> | null): string {
  const state = request.state === null ? {} : { state: request.state }
  const { error, error_key, error_description } = request
  const outcome = code ? { code: code.reveal() } : { error, error_key, error_description }
  return JSON.stringify({ authorization: { ...outcome, ...state } })
}
