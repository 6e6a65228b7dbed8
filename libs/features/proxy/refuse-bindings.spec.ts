import { refuseBindings } from './refuse-bindings.js'

async function passed(...chunks: (string | Buffer)[]): Promise<string> {
  async function* body() {
    for (const chunk of chunks) yield Buffer.from(chunk as string)
  }
  let out = ''
  for await (const chunk of refuseBindings(body())) out += Buffer.from(chunk).toString()
  return out
}
const notAdmitted = expect.objectContaining({ code: 'not_admitted', status: 403 })

describe('what is sent to Microsoft', () => {
  it.each([
    '{"subject":"Lunch","start":{"dateTime":"2026-01-01T12:00:00","timeZone":"UTC"}}',
    '{"@odata.type":"#microsoft.graph.event","subject":"a \\u003c b \\u0026 \\u00e4"}',
    '{"body":{"contentType":"text","content":"write to anna@id.acme.test or ben@binder.test, or \\"@ids\\""}}',
    '',
  ])('passes as it is: %s', async (text) => {
    expect(await passed(text)).toBe(text)
    expect(await passed(...text)).toBe(text)
  })

  it.each([
    '{"calendar@odata.bind":"https://graph.microsoft.com/v1.0/users/bill@initech.test/calendar"}',
    '{"calendar@OData.Bind" : "x"}',
    '{"@odata.id":"users/bill@initech.test/events/1"}',
    '{"calendar\\u0040odata.bind":"x"}',
    '{"calendar@\\u006fdata.bind":"x"}',
    '{"calendar@odata\\u002Ebind":"x"}',
    '{"calendar@odata.bin\\u0064":"x"}',
    // Readers that are not strict about quotes, OData's own among them.
    "{'calendar@odata.bind':'x'}",
    // OData 4.01 (JSON format, section 4.5) lets the prefix be left out.
    '{"calendar@bind":"x"}',
    "{'@id':'x'}",
  ])('breaks off where it points to something else: %s', async (text) => {
    await expect(passed(text)).rejects.toEqual(notAdmitted)
    await expect(passed(...text)).rejects.toEqual(notAdmitted)
  })

  it('breaks off where it is not written in UTF-8: a reader that goes by the first bytes would see another text', async () => {
    const binding = '{"calendar@odata.bind":"x"}'
    await expect(passed(Buffer.from(`\ufeff${binding}`, 'utf16le'))).rejects.toEqual(notAdmitted)
  })
})
