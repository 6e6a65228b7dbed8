import { type AnswerOptions, answer, facts, listed } from '#platform/cli/answer.js'
import type { PageOptions } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { readInput } from '#platform/http/read-input.js'
import { ListServiceAccounts } from '../list-service-accounts.js'
import { RevokeServiceAccount } from '../revoke-service-account.js'
import { RollBackServiceAccountCredential } from '../roll-back-service-account-credential.js'
import {
  credentialExpiryDto,
  serviceAccountPageDto,
  toRevokedBody,
  toServiceAccountBody,
  toServiceAccountPageBody,
} from '../service-account.dto.js'
import { SetCredentialExpiry } from '../set-credential-expiry.js'
import { ShowServiceAccount } from '../show-service-account.js'

type ServiceAccountBody = ReturnType<typeof toServiceAccountBody>

interface ListOptions extends PageOptions {
  client?: string
}

export async function listServiceAccounts(run: RunStep, { json, ...page }: ListOptions) {
  const wanted = readInput(serviceAccountPageDto, page)
  const body = toServiceAccountPageBody(await run(ListServiceAccounts, (step) => step.list(wanted)))
  answer({ json }, body, () =>
    listed(
      ['SERVICE ACCOUNT', 'CLIENT', 'PROVIDER', 'ORGANISATION', 'STATE'],
      body.service_accounts.map((account) => [
        account.service_account_id,
        account.client_id,
        account.provider,
        account.organisation.name,
        stateOf(account),
      ]),
      body.next_cursor,
    ),
  )
}

export async function showServiceAccount(run: RunStep, id: string, options: AnswerOptions) {
  const body = toServiceAccountBody(await run(ShowServiceAccount, (step) => step.show(id)))
  answer(options, body, () => [
    `${body.organisation.name} (${stateOf(body)})`,
    ...(body.state_reason ? [[body.state_reason.problem, body.state_reason.fix].filter(Boolean).join('\n')] : []),
    accountFacts(body),
  ])
}

export async function revokeServiceAccount(run: RunStep, id: string, options: AnswerOptions) {
  const body = toRevokedBody(await run(RevokeServiceAccount, (step) => step.revoke(id)))
  const { grants, codes, tokens, requests } = body.revoked
  answer(options, body, () => [
    `${body.organisation.name} (${body.service_account_id}) has been revoked since ${body.revoked_at}.`,
    facts({
      'grants ended': String(grants),
      'codes ended': String(codes),
      'tokens ended': String(tokens),
      'requests stopped': String(requests),
    }),
  ])
}

export async function rollBackCredential(run: RunStep, id: string, options: AnswerOptions) {
  const body = toServiceAccountBody(await run(RollBackServiceAccountCredential, (step) => step.rollBack(id)))
  answer(options, body, () => [
    `${body.organisation.name} acts with what it had before. Within seconds "mandate service-accounts show" tells whether that works.`,
    accountFacts(body),
  ])
}

export async function setExpiry(run: RunStep, id: string, time: string | undefined, options: AnswerOptions) {
  const { credential_expires_at: at } = readInput(credentialExpiryDto, { credential_expires_at: time ?? null })
  const body = toServiceAccountBody(await run(SetCredentialExpiry, (step) => step.set(id, at)))
  answer(options, body, () => [accountFacts(body)])
}

const accountFacts = (account: ServiceAccountBody) =>
  facts({
    'service account': account.service_account_id,
    client: account.client_id,
    provider: account.provider,
    organisation: account.organisation.id,
    domains: account.organisation.domains,
    administrator: account.administrator,
    credential: account.credential,
    ...(account.credential_expires_at && { 'which expires': account.credential_expires_at }),
    scope: account.scope,
    'delegated scope': account.delegated_scope,
    created: account.created_at,
    ...(account.probed_next_at && { 'tried next': account.probed_next_at }),
  })

const stateOf = ({ state, state_since, state_reason }: ServiceAccountBody) =>
  [
    state,
    ...(state === 'active' ? [] : [`since ${state_since}`]),
    ...(state_reason ? [`(${state_reason.key})`] : []),
  ].join(' ')
