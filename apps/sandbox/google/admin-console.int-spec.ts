import { type Sandbox, startSandbox } from '../sandbox.js'
import { ADMIN_CONSOLE } from './admin-console.routes.js'

describe('the Admin console page', () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await startSandbox()
  })
  afterAll(() => sandbox.stop())

  const send = (fields: Record<string, string>) =>
    fetch(`${sandbox.google.url}${ADMIN_CONSOLE}`, { method: 'POST', body: new URLSearchParams(fields) })
  const delegations = async () => {
    const state = await fetch(`${sandbox.google.url}/__sandbox/state`)
    const { organisations } = (await state.json()) as { organisations: { delegations: object[] }[] }
    return organisations.map((one) => one.delegations)
  }

  it('adds and deletes a delegation of the chosen organisation', async () => {
    const organisation = 'globex.test'
    const page = await (
      await send({ organisation, clientId: ' 123 ', scopes: 'https://a.test/x,\nhttps://a.test/y' })
    ).text()
    expect(page).toContain('<code>https://a.test/y</code>')
    expect(await delegations()).toEqual([
      [],
      [{ clientId: '123', scopes: ['https://a.test/x', 'https://a.test/y'], effectiveAt: expect.any(String) }],
    ])
    await send({ organisation, clientId: '123', action: 'remove' })
    expect(await delegations()).toEqual([[], []])
  })

  it('keeps the form filled, and says what is wrong, when the client id is an address', async () => {
    const answer = await send({ organisation: 'acme.test', clientId: 'me@x.test', scopes: '<b>' })
    const page = await answer.text()
    expect(answer.status).toBe(422)
    expect(page).toContain('is not a numeric client id')
    expect(page).toContain('value="me@x.test"')
    expect(page).toContain('&lt;b>')
  })
})
