import { type AnswerOptions, answer, facts, listed } from '#platform/cli/answer.js'
import { readFileArgument } from '#platform/cli/read-argument.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { readInput } from '#platform/http/read-input.js'
import { AllowProviderTokens } from '../allow-provider-tokens.js'
import {
  newClientDto,
  toDisabledBody,
  toEndedUserTokenSecretsBody,
  toPageBody,
  toRegisteredBody,
  toRotatedBody,
  toRotatedUserTokenSecretBody,
  toShownBody,
  userTokenKeysDto,
} from '../client.dto.js'
import { DisableClient } from '../disable-client.js'
import { EndUserTokenSecrets } from '../end-user-token-secrets.js'
import { ListClients } from '../list-clients.js'
import { RegisterClient } from '../register-client.js'
import { RotateClientSecret } from '../rotate-client-secret.js'
import { RotateUserTokenSecret } from '../rotate-user-token-secret.js'
import { SetUserTokenKeys } from '../set-user-token-keys.js'
import { ShowClient } from '../show-client.js'

interface NewClientOptions extends AnswerOptions {
  name: string
  redirectUri?: string[]
  callbackOrigin?: string[]
}

export async function createClient(run: RunStep, options: NewClientOptions) {
  const { name, redirectUri: redirect_uris, callbackOrigin: callback_origins } = options
  const wanted = readInput(newClientDto, { name, redirect_uris, callback_origins })
  const body = toRegisteredBody(await run(RegisterClient, (step) => step.register(wanted)))
  answer(options, body, () => [
    `Registered ${body.name}.`,
    facts({
      'client id': body.client_id,
      'client secret': body.client_secret,
      'signing secret': body.signing_secret,
      ...urlFacts(body),
    }),
    'The two secrets are shown this once and cannot be read again: keep them now.',
  ])
}

export async function listClients(run: RunStep, options: AnswerOptions) {
  const clients = await run(ListClients, (step) => step.listAll())
  const body = toPageBody({ rows: clients, nextCursor: null })
  answer(options, body, () =>
    listed(
      ['CLIENT ID', 'NAME', 'CREATED', 'STATE'],
      body.clients.map((client) => [client.client_id, client.name, client.created_at, stateOf(client)]),
      body.next_cursor,
      'There are no clients yet. "mandate clients create --help" tells how to register one.',
    ),
  )
}

export async function showClient(run: RunStep, id: string, options: AnswerOptions) {
  const body = toShownBody(await run(ShowClient, (step) => step.show(id)))
  answer(options, body, () => [
    `${body.name} (${stateOf(body)})`,
    facts({
      'client id': body.client_id,
      created: body.created_at,
      ...urlFacts(body),
      "provider's own tokens": providerTokensOf(body),
      'told of changes at': body.event_url ?? 'nowhere',
      'live secrets': body.secrets.map(inWords),
      'user-token secrets': body.user_token_secrets.map(inWords),
      ...keyFacts(body),
    }),
  ])
}

const inWords = ({ created_at, expires_at }: { created_at: string; expires_at: string | null }) =>
  `made ${created_at}, ${expires_at ? `works until ${expires_at}` : 'the newest'}`

const keyFacts = ({ jwks, jwks_uri }: Pick<ReturnType<typeof toShownBody>, 'jwks' | 'jwks_uri'>) => ({
  'user-token keys': jwks_uri ?? (jwks ? `${jwks.keys.length} given` : 'none'),
})

export async function rotateSecret(run: RunStep, id: string, options: AnswerOptions) {
  const body = toRotatedBody(id, await run(RotateClientSecret, (step) => step.rotate(id)))
  answer(options, body, () => [
    facts({ 'client id': body.client_id, 'client secret': body.client_secret }),
    'The secret is shown this once and cannot be read again: keep it now.',
    `The one before works until ${body.previous_secret_expires_at}.`,
  ])
}

export async function rotateUserSecret(run: RunStep, id: string, options: AnswerOptions) {
  const body = toRotatedUserTokenSecretBody(id, await run(RotateUserTokenSecret, (step) => step.rotate(id)))
  const { previous_secret_expires_at: previous } = body
  answer(options, body, () => [
    facts({ 'client id': body.client_id, 'user-token secret': body.user_token_secret }),
    'The secret is shown this once and cannot be read again: keep it now. Its characters are the key as they stand.',
    ...(previous ? [`The one before works until ${previous}.`] : []),
  ])
}

export async function endUserSecrets(run: RunStep, id: string, options: AnswerOptions) {
  const body = toEndedUserTokenSecretsBody(id, await run(EndUserTokenSecrets, (step) => step.end(id)))
  answer(options, body, () => [`${body.ended} of them worked until now; none does any more.`])
}

interface JwksOptions extends AnswerOptions {
  jwks?: string
  jwksUri?: string
  none?: boolean
}

export async function setJwks(
  run: RunStep,
  id: string,
  { jwks: file, jwksUri: jwks_uri, none, ...options }: JwksOptions,
) {
  if ([file, jwks_uri, none].filter((given) => given !== undefined).length !== 1)
    throw invalidField('jwks', 'errors.required', 'give one of --jwks, --jwks-uri and --none')
  const jwks = file === undefined ? undefined : parsed(await readFileArgument('jwks', file))
  const given = none ? null : readInput(userTokenKeysDto, { jwks, jwks_uri })
  const body = toShownBody(await run(SetUserTokenKeys, (step) => step.set(id, given)))
  answer(options, body, () => [facts({ 'client id': body.client_id, ...keyFacts(body) })])
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw invalidField('jwks', 'errors.unreadable', 'the file is not JSON')
  }
}

export async function setProviderTokens(run: RunStep, id: string, allowed: boolean, options: AnswerOptions) {
  const body = toShownBody(await run(AllowProviderTokens, (step) => step.set(id, allowed)))
  answer(options, body, () => [
    facts({ 'client id': body.client_id, "provider's own tokens": providerTokensOf(body) }),
    ...(allowed ? [] : ['What it has been given already works until it expires, an hour at most.']),
  ])
}

const providerTokensOf = ({ provider_tokens }: { provider_tokens: boolean }) =>
  provider_tokens ? 'given on exchange' : 'never given'

export async function disableClient(run: RunStep, id: string, options: AnswerOptions) {
  const body = toDisabledBody(await run(DisableClient, (step) => step.disable(id)))
  answer(options, body, () => [
    `${body.name} (${body.client_id}) has been shut out since ${body.disabled_at}.`,
    facts(countFacts(body.revoked)),
  ])
}

const countFacts = (revoked: Record<string, number>) =>
  Object.fromEntries(Object.entries(revoked).map(([what, count]) => [`${what.replace('_', ' ')} ended`, String(count)]))

const urlFacts = (client: { redirect_uris: string[]; callback_origins: string[] }) => ({
  'redirect URIs': client.redirect_uris,
  'callback origins': client.callback_origins,
})

const stateOf = ({ disabled_at }: { disabled_at: string | null }) =>
  disabled_at ? `disabled since ${disabled_at}` : 'active'
