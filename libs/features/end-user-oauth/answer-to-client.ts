import { clientAnswer } from '#platform/oauth-protocol/client-answer.js'
import { type ConnectStop, stopFacts } from './connect.errors.js'
import type { SignIn } from './sign-in.entity.js'

/** Of an individual connect: with `state` as it came, and `iss`, so that no client takes it for somebody else's (RFC 9207). */
export const answerToClient = (
  { redirectUri, encodedState = null }: SignIn,
  issuer: string,
  parameters: Record<string, string>,
): string => clientAnswer({ redirectUri: redirectUri!, encodedState }, issuer, parameters)

/** The way back to the client, for a person who is not going to connect anything. */
export function giveUpAt(signIn: SignIn, issuer: string, { stop }: ConnectStop): string {
  const { oauth: error, text } = stopFacts(stop)
  return answerToClient(signIn, issuer, { error, error_description: text })
}
