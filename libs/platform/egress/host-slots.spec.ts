import { HostSlots, SLOW_AFTER_MS, type Slot, type TakenSlot } from './host-slots.js'

const SLOTS = 24

describe('slots for calls', () => {
  let now = 0
  let slots: HostSlots
  beforeEach(() => {
    now = 0
    slots = new HostSlots(SLOTS, () => now)
  })

  const taken = (slot: Slot) => {
    if (!('release' in slot)) throw new Error('was sent away')
    return slot
  }
  const comeBackIn = (slot: Slot) => {
    if (!('comeBackInMs' in slot)) throw new Error('got a slot')
    return slot.comeBackInMs
  }
  /** Each host has an owner of its own, where nothing else is said. */
  const take = (host: string, owner = `owner of ${host}`) => slots.take(host, owner)
  /** Takes for these hosts in turn until none gets any more; what they hold then. */
  async function fill(...hosts: { host: string; owner?: string }[]): Promise<TakenSlot[][]> {
    const held = hosts.map((): TakenSlot[] => [])
    const refused = new Set<number>()
    while (refused.size < hosts.length)
      for (const [index, { host, owner }] of hosts.entries()) {
        // Whoever has to wait for a slot has none now.
        const slot = refused.has(index) ? null : await soonOrNever(host, owner)
        if (slot) held[index]!.push(slot)
        else refused.add(index)
      }
    return held
  }
  async function soonOrNever(host: string, owner = `owner of ${host}`): Promise<TakenSlot | null> {
    now += SLOW_AFTER_MS
    return slots.takeSoon(host, owner)
  }
  const hang = (...hosts: string[]) => fill(...hosts.map((host) => ({ host })))
  const sizes = (held: TakenSlot[][]) => held.map(({ length }) => length)

  it('are half of them one host’s that hangs, and two such hosts’ a third each: as much stays free as each of them holds', async () => {
    expect(sizes(await hang('one.test'))).toEqual([SLOTS / 2])
    slots = new HostSlots(SLOTS, () => now)
    expect(sizes(await hang('one.test', 'two.test'))).toEqual([SLOTS / 3, SLOTS / 3])
    slots = new HostSlots(SLOTS, () => now)
    expect(sizes(await hang('one.test', 'two.test', 'three.test'))).toEqual([SLOTS / 4, SLOTS / 4, SLOTS / 4])
    taken(await take('well.test'))
  })

  it('are three quarters of them one owner’s, however many of its hosts hang', async () => {
    const hosts = Array.from({ length: (SLOTS * 3) / 4 }, (_, n) => ({ host: `host-${n}.test`, owner: 'acme' }))
    expect((await fill(...hosts)).flat()).toHaveLength((SLOTS * 3) / 4)
    taken(await take('other.test', 'globex'))
  })

  it('are still there for the other hosts of an owner two of whose hosts hang', async () => {
    await fill({ host: 'one.test', owner: 'acme' }, { host: 'two.test', owner: 'acme' })
    for (let call = 0; call < 2; call++) taken(await take('well.test', 'acme'))
  })

  it('can be had one at a time where there is one alone', async () => {
    slots = new HostSlots(1, () => now)
    const only = taken(await take('one.test'))
    now += SLOW_AFTER_MS
    comeBackIn(await take('one.test'))
    only.release()
    taken(await take('other.test'))
  })

  it('are waited for at a host that answers, in the order of asking', async () => {
    const [held] = await hang('busy.test')
    for (const slot of held!) slot.release()
    const calls = await Promise.all(Array.from({ length: SLOTS / 2 }, () => take('busy.test')))
    const order: string[] = []
    const waiting = ['first', 'second'].map(async (name) => {
      taken(await take('busy.test'))
      order.push(name)
    })
    taken(calls[0]!).release()
    await waiting[0]
    expect(order).toEqual(['first'])
    taken(calls[1]!).release()
    await waiting[1]
    expect(order).toEqual(['first', 'second'])
  })

  it('that the first in line cannot use are the next one’s', async () => {
    const acme = await Promise.all(Array.from({ length: SLOTS / 2 }, () => take('one.test', 'acme')))
    const others = await Promise.all(Array.from({ length: SLOTS / 4 }, () => take('two.test', 'acme')))
    const order: string[] = []
    // Acme has its three quarters; Globex has none, and is behind.
    const waiting = [
      ['three.test', 'acme'],
      ['one.test', 'globex'],
      ['four.test', 'globex'],
    ].map(async ([host, owner]) => {
      taken(await take(host!, owner))
      order.push(`${owner} ${host}`)
    })
    await waiting[2]
    expect(order).toEqual(['globex four.test'])
    for (const call of [...others, ...acme.slice(0, 3)]) taken(call).release()
    await Promise.all(waiting)
    expect(order.slice(1).sort()).toEqual(['acme three.test', 'globex one.test'])
  })

  it('are refused at a host that is slow, to a hundred callers with turns one after another', async () => {
    await hang('hanging.test')
    now += SLOW_AFTER_MS
    const turns = []
    for (let caller = 0; caller < 100; caller++) turns.push(comeBackIn(await take('hanging.test')))
    expect(turns).toEqual([...turns].sort((a, b) => a - b))
    expect(new Set(turns.slice(0, 20)).size).toBe(20)
    expect(Math.max(...turns)).toBeLessThanOrEqual(60_000)
    taken(await take('other.test'))
  })

  it('are not waited for when the calls in hand turn out to be slow', async () => {
    await Promise.all(Array.from({ length: SLOTS / 2 }, () => take('hanging.test')))
    now = SLOW_AFTER_MS - 5
    expect(comeBackIn(await take('hanging.test'))).toBeGreaterThan(0)
  })

  it('go back once, however often they are given back', async () => {
    const calls = await Promise.all(Array.from({ length: SLOTS / 2 }, () => take('busy.test')))
    taken(calls[0]!).release()
    taken(calls[0]!).release()
    taken(await take('busy.test'))
    now = SLOW_AFTER_MS
    comeBackIn(await take('busy.test'))
  })
})
