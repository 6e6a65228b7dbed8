import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { hours, seconds } from './clock.js'
import { DatabaseClock } from './database-clock.js'

describe('the clock of every process', () => {
  const ground = databaseForTests([])
  const open: DatabaseClock[] = []
  const systemNow = Date.now
  afterEach(() => {
    Date.now = systemNow
    for (const clock of open.splice(0)) clock.onApplicationShutdown()
  })

  const follow = async (run = ground.database.run) => {
    open.push(await DatabaseClock.follow(run))
    return open[0]!
  }
  const apart = (one: Date, other: Date) => Math.abs(one.getTime() - other.getTime())
  const timeOfDatabase = async () => {
    const [row] = await ground.database.read((em) => em.execute<{ now: Date }[]>('select clock_timestamp() as now'))
    return new Date(row!.now)
  }

  it.each([-2, 2])("shows the database's time on a machine whose clock is set by %i hours", async (jump) => {
    const clock = await follow()
    Date.now = () => systemNow() + hours(jump)
    expect(apart(clock.now(), await timeOfDatabase())).toBeLessThan(seconds(5))
    expect(apart((await follow()).now(), await timeOfDatabase())).toBeLessThan(seconds(5))
  })

  it("follows the database when that one's clock is set, and goes on by itself while it is away", async () => {
    let answer = async () => [{ milliseconds: Date.parse('2031-01-01T00:00:00Z') }]
    const clock = await follow((() => answer()) as never)
    expect(apart(clock.now(), new Date('2031-01-01T00:00:00Z'))).toBeLessThan(seconds(5))

    answer = () => Promise.reject(new Error('away'))
    await expect(clock.compare()).rejects.toThrow('away')
    expect(apart(clock.now(), new Date('2031-01-01T00:00:00Z'))).toBeLessThan(seconds(10))

    answer = async () => [{ milliseconds: Date.parse('2031-01-01T03:00:00Z') }]
    await clock.compare()
    expect(apart(clock.now(), new Date('2031-01-01T03:00:00Z'))).toBeLessThan(seconds(5))
  })
})
