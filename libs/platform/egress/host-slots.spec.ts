import { HostSlots, SLOW_AFTER_MS, type Slot } from './host-slots.js'

describe('slots for the calls to one host', () => {
  let now = 0
  let slots: HostSlots
  beforeEach(() => {
    now = 0
    slots = new HostSlots(2, () => now)
  })

  const taken = (slot: Slot) => {
    if (!('release' in slot)) throw new Error('was sent away')
    return slot
  }
  const comeBackIn = (slot: Slot) => {
    if (!('comeBackInMs' in slot)) throw new Error('got a slot')
    return slot.comeBackInMs
  }
  const fill = async (host: string) => [taken(await slots.take(host)), taken(await slots.take(host))] as const

  it('are given at once while there are any, and to each host its own', async () => {
    await fill('hanging.test')
    await fill('other.test')
  })

  it('are waited for at a host that answers, in the order of asking', async () => {
    const [first, second] = await fill('busy.test')
    const order: string[] = []
    const waiting = ['third', 'fourth'].map(async (name) => {
      const slot = taken(await slots.take('busy.test'))
      order.push(name)
      return slot
    })
    first.release()
    await waiting[0]
    expect(order).toEqual(['third'])
    second.release()
    await waiting[1]
    expect(order).toEqual(['third', 'fourth'])
  })

  it('are refused at a host that is slow, to a hundred callers with turns one after another', async () => {
    await fill('hanging.test')
    now = SLOW_AFTER_MS
    const turns = []
    for (let caller = 0; caller < 100; caller++) turns.push(comeBackIn(await slots.take('hanging.test')))
    expect(turns).toEqual([...turns].sort((a, b) => a - b))
    expect(new Set(turns.slice(0, 50)).size).toBe(50)
    expect(Math.max(...turns)).toBeLessThanOrEqual(60_000)
    taken(await slots.take('other.test'))
  })

  it('are not waited for when the calls in hand turn out to be slow', async () => {
    await fill('hanging.test')
    now = SLOW_AFTER_MS - 5
    expect(comeBackIn(await slots.take('hanging.test'))).toBeGreaterThan(0)
  })

  it('go back once, however often they are given back', async () => {
    const [first] = await fill('busy.test')
    first.release()
    first.release()
    taken(await slots.take('busy.test'))
    now = SLOW_AFTER_MS
    comeBackIn(await slots.take('busy.test'))
  })
})
