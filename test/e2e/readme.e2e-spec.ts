import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type Answer, type Client, REDIRECT_URI } from './public-api.js'
import { Stage } from './stage.js'

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
const BLOCKS = [...README.matchAll(/^```\n(curl .*?)^```$/gms)].map(([, block]) => block!)
const COMMANDS = BLOCKS.flatMap((block) => block.split(/\n(?=curl )/))

/** What a shell hands to curl, whether this machine has one or not. */
async function wordsOf(command: string, variables: Record<string, string>): Promise<string[]> {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`
  const { stdout } = await promisify(execFile)('sh', ['-c', script], { env: variables })
  return stdout.split('\0').slice(0, -1)
}

describe('the examples of README.md', () => {
  const { url: databaseUrl } = testDatabase()
  const left = new Set(COMMANDS)
  let stage: Stage
  let client: Client

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    client = await stage.api.addClient('Acme Scheduler')
  })
  afterAll(() => stage?.close())

  /** Runs the next example that holds these words, with what a reader puts in the place of its capitals. */
  async function follow(words: string, ofReader: Record<string, string>): Promise<Answer> {
    const command = [...left].find((each) => each.includes(words))
    if (command === undefined) throw new Error(`README.md has no further curl with ${words}`)
    left.delete(command)
    const ofStage: [string, string][] = [
      ['https://app.acme.test/connected', REDIRECT_URI],
      ['https://app.acme.test/callbacks', stage.callbackUrl],
      ['customer.example', 'acme.test'],
    ]
    const read = [...ofStage, ...Object.entries(ofReader)].reduce(
      (text, [from, to]) => text.replaceAll(from, to),
      command,
    )
    const variables = { MANDATE: stage.api.url, CLIENT_ID: client.id, CLIENT_SECRET: client.secret }
    const [url = '', ...options] = await wordsOf(read, variables)
    const given = (option: string) => options.filter((_, i) => options[i - 1] === option)
    const headers = Object.fromEntries(new Headers(given('-H').map((header) => header.split(': ') as [string, string])))
    const body = given('-d').join('&')
    const asked = headers['content-type'] ? { json: body } : { form: new URLSearchParams(body) }
    return stage.api.call(body ? 'POST' : 'GET', url.slice(stage.api.url.length), { headers, ...(body && asked) })
  }

  it('lead from an administrator’s code to calendars, read and written, and to the provider’s own token', async () => {
    const consented = await stage.api.consent(client, 'acme', { delegated_scope: 'read_write' })
    const account = await follow('/oauth/token', { THE_CODE: consented.searchParams.get('code')! })
    expect(account.json).toMatchObject({
      service_account_id: expect.stringMatching(/^ser_/),
      refresh_token: expect.any(String),
    })

    const accepted = await follow('/v1/service_account_authorizations', {
      SERVICE_ACCOUNT_ACCESS_TOKEN: account.json.access_token,
    })
    expect(accepted.status).toBe(202)
    expect(accepted.json.service_account_authorizations).toHaveLength(2)
    const { code = '' } = await stage.told('user-1')
    expect(await stage.told('user-2')).toHaveProperty('code')

    const mailbox = await follow('/oauth/token', { THE_CODE: code })
    expect(mailbox.json).toMatchObject({
      refresh_token: expect.any(String),
      linking_profile: { provider_name: 'google', profile_name: 'anna@acme.test' },
    })
    const { access_token: ACCESS_TOKEN } = mailbox.json
    const events = await follow('/calendars/primary/events?maxResults=10', { ACCESS_TOKEN })
    expect(events.json.items.length).toBeGreaterThan(0)

    const writer = await tokenFor(account.json.access_token, 'anna@acme.test', 'read_write')
    const written = await follow('/calendars/primary/events', { ACCESS_TOKEN: writer })
    expect(written).toMatchObject({ status: 200, json: { summary: 'Lunch' } })

    const { accessToken } = await stage.api.authorise(client, 'initech')
    const atMicrosoft = await tokenFor(accessToken, 'milton@initech.test', 'read_only')
    const theirs = await follow('/v1/proxy/microsoft/', { ACCESS_TOKEN: atMicrosoft })
    expect(theirs.json.value.length).toBeGreaterThan(0)

    await stage.api.asAdmin('PUT', `/admin/v1/clients/${client.id}/provider_tokens`, { json: { allowed: true } })
    const exchanged = await follow('token-exchange', { ACCESS_TOKEN })
    expect(exchanged.json).toMatchObject({ access_token: expect.any(String), token_type: 'Bearer', scope: 'read_only' })

    expect([...left]).toEqual([])
  })

  async function tokenFor(accessToken: string, email: string, scope: string): Promise<string> {
    const state = `${scope} ${email}`
    await stage.ask({ id: '', client, accessToken, refreshToken: '' }, { email, scope, state })
    const { code = '' } = await stage.told(state)
    return (await stage.api.exchange(client, code, stage.callbackUrl)).json.access_token
  }
})
