import { currentOrigin, nameActor, withOrigin } from './origin.js'

describe('the origin of an act', () => {
  it('is our own work where nobody called', () => {
    nameActor('client:cli_1')
    expect(currentOrigin()).toEqual({ actor: 'mandate', address: null, requestId: null })
  })

  it('is of one call alone, and is named by who authenticates', async () => {
    const call = { actor: 'anonymous', address: '192.0.2.1', requestId: 'req_1' }
    const seen = await Promise.all(
      ['client:cli_1', 'client:cli_2'].map((actor) =>
        withOrigin(call, async () => {
          nameActor(actor)
          await Promise.resolve()
          return currentOrigin()
        }),
      ),
    )
    expect(seen).toEqual([
      { ...call, actor: 'client:cli_1' },
      { ...call, actor: 'client:cli_2' },
    ])
    expect(call.actor).toBe('anonymous')
  })
})
