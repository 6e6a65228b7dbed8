import { type AnswerOptions, answer, facts, listed } from '#platform/cli/answer.js'
import type { PageOptions } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { readInput } from '#platform/http/read-input.js'
import { apiKeyPageDto, newApiKeyDto, toApiKeyBody, toApiKeyPageBody, toCreatedApiKeyBody } from '../api-key.dto.js'
import { CreateApiKey } from '../create-api-key.js'
import { ListApiKeys } from '../list-api-keys.js'
import { RevokeApiKey } from '../revoke-api-key.js'

interface NewKeyOptions extends AnswerOptions {
  client: string
  scope: string[]
  expires?: string
}

export async function createApiKey(run: RunStep, { client: client_id, scope: scopes, expires, json }: NewKeyOptions) {
  const wanted = readInput(newApiKeyDto, { client_id, scopes, expires_at: expires })
  const body = toCreatedApiKeyBody(await run(CreateApiKey, (step) => step.create(wanted)))
  answer({ json }, body, () => [
    facts({ 'API key': body.key, id: body.id, scopes: body.scopes }),
    'The key is shown this once and cannot be read again: keep it now. The client sends it in the header x-api-key.',
  ])
}

interface ListOptions extends PageOptions {
  client?: string
}

export async function listApiKeys(run: RunStep, { json, ...page }: ListOptions) {
  const wanted = readInput(apiKeyPageDto, page)
  const body = toApiKeyPageBody(await run(ListApiKeys, (step) => step.list(wanted)))
  answer({ json }, body, () =>
    listed(
      ['KEY', 'CLIENT', 'SCOPES', 'LAST USED', 'STATE'],
      body.keys.map((key) => [key.id, key.client_id, key.scopes.join(' '), key.last_used_at ?? 'never', stateOf(key)]),
      body.next_cursor,
      'There are none. "mandate keys create --help" tells how to make one.',
    ),
  )
}

export async function revokeApiKey(run: RunStep, id: string, options: AnswerOptions) {
  const body = toApiKeyBody(await run(RevokeApiKey, (step) => step.revoke(id)))
  answer(options, body, () => [`${body.id} of ${body.client_id} has been revoked since ${body.revoked_at}.`])
}

const stateOf = ({ revoked_at, expires_at }: { revoked_at: string | null; expires_at: string | null }) => {
  if (revoked_at) return `revoked since ${revoked_at}`
  return expires_at ? `until ${expires_at}` : 'until revoked'
}
