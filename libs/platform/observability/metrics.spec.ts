import { randomBytes } from 'node:crypto'
import { addMeasurement, defineCounter, defineGauge, defineHistogram, scrape } from './metrics.js'

const COLOURS = defineCounter({ name: 'test_colours_total', help: 'Colours.', labels: { colour: ['red', 'blue'] } })
const ROUTES = defineHistogram({ name: 'test_routes', help: 'Routes.', labels: { route: { most: 3 } }, buckets: [1] })
const DEPTH = defineGauge({ name: 'test_depth', help: 'Depth.', labels: {} })

const seriesOf = async (name: string) => (await scrape(() => {})).split('\n').filter((line) => line.startsWith(name))
const HOSTILE = () => `"}\n${randomBytes(16).toString('hex')} 1\n# \\`

describe('metrics', () => {
  it('are there before anything has happened', async () => {
    expect(await seriesOf('test_colours_total')).toEqual([
      'test_colours_total{colour="red"} 0',
      'test_colours_total{colour="blue"} 0',
    ])
  })

  it('count what is not one of their words as other, however much of it comes', async () => {
    for (let i = 0; i < 1000; i++) COLOURS.count({ colour: HOSTILE() as 'red' })
    COLOURS.count({} as { colour: 'red' })
    COLOURS.count({ colour: 'constructor' as 'red', email: 'anna@acme.test' } as never)
    expect(await seriesOf('test_colours_total')).toEqual([
      'test_colours_total{colour="red"} 0',
      'test_colours_total{colour="blue"} 0',
      'test_colours_total{colour="other"} 1002',
    ])
  })

  it('take no more open words than they were given room for', async () => {
    for (let i = 0; i < 1000; i++) ROUTES.observe({ route: `/route/${i}` }, 0.1)
    expect(await seriesOf('test_routes_count')).toEqual([
      'test_routes_count{route="/route/0"} 1',
      'test_routes_count{route="/route/1"} 1',
      'test_routes_count{route="/route/2"} 1',
      'test_routes_count{route="other"} 997',
    ])
  })

  it('leave out what could not be measured, and say that it could not', async () => {
    let depth = () => 7
    const measure = async () => DEPTH.set({}, depth())
    const takeAway = addMeasurement({ gauges: [DEPTH], measure })
    expect(await seriesOf('test_depth')).toEqual(['test_depth 7'])

    depth = () => {
      throw new Error('the store is away')
    }
    expect(await seriesOf('test_depth')).toEqual([])
    expect(await seriesOf('mandate_failed_measurements_total')).toEqual(['mandate_failed_measurements_total 2'])

    takeAway()
    await scrape(() => {})
    expect(await seriesOf('mandate_failed_measurements_total')).toEqual(['mandate_failed_measurements_total 2'])
  })
})
