import { refuseCancelling } from './refuse-cancelling.js'

async function passed(...chunks: string[]): Promise<string> {
  async function* body() {
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  let out = ''
  for await (const chunk of refuseCancelling(body())) out += Buffer.from(chunk).toString()
  return out
}

describe('a change at Google by who may not delete', () => {
  it.each(['{"summary":"Lunch"}', '{"status":"confirmed"}', '{"summary":"cancelled","status":"tentative"}', '{}'])(
    'passes: %s',
    async (json) => {
      expect(await passed(json)).toBe(json)
      expect(await passed(...json)).toBe(json)
    },
  )

  it('has one status, the one that was looked at', async () => {
    expect(await passed('{"status":"cancelled", "status":"confirmed"}')).toBe('{"status":"confirmed"}')
  })

  it.each([
    '{"status":"cancelled"}',
    '{"status":"Cancelled"}',
    '{"status":"\\u0063ancelled"}',
    '{"st\\u0061tus":"cancelled"}',
    '{"status":"confirmed","status":"cancelled"}',
    '{"status":null}',
    '{"status":["cancelled"]}',
  ])('cancels nothing: %s', async (json) => {
    const refused = expect.objectContaining({ code: 'insufficient_scope', status: 403 })
    await expect(passed(json)).rejects.toEqual(refused)
    await expect(passed(...json)).rejects.toEqual(refused)
  })

  it.each(["{'status':'cancelled'}", '{"status":"canc', '', '\ufeff{"status":"cancelled"}'])(
    'is JSON, or nothing: %s',
    async (text) => {
      await expect(passed(text)).rejects.toMatchObject({ status: 403 })
    },
  )
})
