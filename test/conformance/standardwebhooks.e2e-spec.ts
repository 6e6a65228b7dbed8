import { Webhook } from 'standardwebhooks'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import type { Delivery } from '../../apps/sandbox/receiver/delivery-log.js'
import type { Client, ServiceAccount } from '../e2e/public-api.js'
import { Stage } from '../e2e/stage.js'

describe('standardwebhooks', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let client: Client
  let acme: ServiceAccount

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    client = await stage.api.addClient('Scheduler')
    acme = await stage.api.authorise(client, 'acme')
  })
  afterAll(() => stage?.close())

  const verify = ({ body, headers }: Pick<Delivery, 'body' | 'headers'>, secret = client.signingSecret) =>
    new Webhook(secret).verify(body.toString(), headers as Record<string, string>)

  it.each([
    ['a code', 'anna@acme.test', { code: expect.any(String), state: 'ümläut 🗓' }],
    ['a refusal', 'stranger@acme.test', { error: 'access_denied', state: 'ümläut 🗓' }],
  ])('verifies a callback that brings %s with the client’s signing secret', async (what, email, authorization) => {
    const callback_url = `${stage.callbackUrl}&of=${encodeURIComponent(what)}`
    const [id] = await stage.ask(acme, { email, state: 'ümläut 🗓', callback_url })
    await stage.requestOnce('delivered', acme, id!)
    const [delivery] = stage.receiver.deliveries.list({ path: encodeURIComponent(what) })
    expect(delivery!.headers).toMatchObject({ 'webhook-id': id, 'content-type': 'application/json; charset=utf-8' })
    expect(verify(delivery!)).toMatchObject({ authorization })
  })

  it('finds out another secret, another body, another id and another time', async () => {
    await stage.ask(acme, { email: 'ben@acme.test', state: 'forged' })
    const delivery = await stage.callback('forged')
    const other = await stage.api.addClient('Rival')
    const header = (name: string, value: string) => ({ ...delivery, headers: { ...delivery.headers, [name]: value } })
    expect(() => verify(delivery, other.signingSecret)).toThrow(/signature/i)
    expect(() => verify({ ...delivery, body: Buffer.from(`${delivery.body} `) })).toThrow(/signature/i)
    expect(() => verify(header('webhook-id', 'dar_000000000000000000000000'))).toThrow(/signature/i)
    const later = String(Number(delivery.headers['webhook-timestamp']) + 1)
    expect(() => verify(header('webhook-timestamp', later))).toThrow(/signature/i)
    expect(() => verify(delivery)).not.toThrow()
  })
})
