import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/**
 * What a label may say: one of these words, or at most so many others that stand in our own code, such as patterns of
 * routes. Whatever else comes along is counted as `other`, so that no caller can make a series.
 */
type LabelWords = readonly string[] | { readonly most: number }

type Words = Readonly<Record<string, LabelWords>>
type Said<Labels extends Words> = {
  readonly [Name in keyof Labels]: Labels[Name] extends readonly (infer Word extends string)[] ? Word : string
}

interface Definition<Labels extends Words> {
  name: string
  /** One sentence, for whoever meets it in a query. */
  help: string
  labels: Labels
}

/** In seconds. */
type Buckets = { buckets: readonly number[] }

const OTHER = 'other'
/** One for the process: counting is ambient, because nothing is ever decided by it. */
const registry = new Registry()

/** Counts up. Every series of a closed set of words is there from the start, at nought, so that the first event is a rise. */
export function defineCounter<const Labels extends Words>(definition: Definition<Labels>) {
  const fence = new LabelFence(definition.labels)
  const counter = new Counter(optionsOf(definition))
  for (const labels of fence.all()) counter.inc(labels, 0)
  return { count: (labels: Said<Labels>, by = 1) => counter.inc(fence.admit(labels), by) }
}

/** Spreads of durations. */
export function defineHistogram<const Labels extends Words>(definition: Definition<Labels> & Buckets) {
  const fence = new LabelFence(definition.labels)
  const histogram = new Histogram({ ...optionsOf(definition), buckets: [...definition.buckets] })
  return { observe: (labels: Said<Labels>, seconds: number) => histogram.observe(fence.admit(labels), seconds) }
}

/** Goes up and down; set by a measurement, before each scrape. */
export function defineGauge<const Labels extends Words>(definition: Definition<Labels>): Gauged<Labels> {
  const fence = new LabelFence(definition.labels)
  const gauge = new Gauge(optionsOf(definition))
  // The library's `reset` would say nought where there are no labels.
  const forget = () => {
    for (const labels of [{}, ...fence.all()]) gauge.remove(labels)
  }
  forget()
  return { set: (labels, value) => gauge.set(fence.admit(labels), value), forget }
}

export interface Gauged<Labels extends Words> {
  set(labels: Said<Labels>, value: number): void
  /** No value is better than one of before. */
  forget(): void
}

const optionsOf = ({ name, help, labels }: Definition<Words>) => ({
  ...{ name, help, labelNames: Object.keys(labels), registers: [registry] },
})

/** Holds the number of series of a metric to what its definition allows. */
class LabelFence {
  readonly #words: Map<string, { known: Set<string>; most: number }>

  constructor(labels: Words) {
    const entries = Object.entries(labels).map(([name, words]) => {
      const known = new Set('most' in words ? [] : words)
      return [name, { known, most: 'most' in words ? words.most : known.size }] as const
    })
    this.#words = new Map(entries)
  }

  admit(said: Readonly<Record<string, string>>): Record<string, string> {
    const admitted: Record<string, string> = {}
    for (const [name, { known, most }] of this.#words) {
      const word = said[name]
      if (word !== undefined && !known.has(word) && known.size < most) known.add(word)
      admitted[name] = word !== undefined && known.has(word) ? word : OTHER
    }
    return admitted
  }

  /** Every series there can be, but for those of `other`; none where a label is open. */
  all(): Record<string, string>[] {
    return [...this.#words].reduce<Record<string, string>[]>(
      (some, [name, { known }]) => some.flatMap((labels) => [...known].map((word) => ({ ...labels, [name]: word }))),
      [{}],
    )
  }
}

/** What has to be asked for when somebody looks. */
export interface Measurement {
  gauges: readonly Gauged<never>[]
  /** Sets the gauges. */
  measure(): Promise<void>
}

const measurements = new Set<Measurement>()

/** @returns how to take it away again */
export function addMeasurement(measurement: Measurement): () => void {
  measurements.add(measurement)
  return () => {
    measurements.delete(measurement)
    for (const gauge of measurement.gauges) gauge.forget()
  }
}

const FAILED_MEASUREMENTS = defineCounter({
  name: 'mandate_failed_measurements_total',
  help: 'Measurements that could not be made for a scrape; their gauges are absent from it.',
  labels: {},
})

/** Memory, CPU time and the lag of the event loop: begun only where somebody looks, because watching costs a little. */
export const watchProcess = () => {
  if (!registry.getSingleMetric('process_cpu_seconds_total')) collectDefaultMetrics({ register: registry })
}

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** Everything, as Prometheus reads it. What cannot be measured is left out and counted. */
export async function scrape(onFailure: (error: unknown) => void): Promise<string> {
  await Promise.all([...measurements].map((measurement) => measured(measurement, onFailure)))
  return registry.metrics()
}

async function measured(measurement: Measurement, onFailure: (error: unknown) => void): Promise<void> {
  try {
    await measurement.measure()
  } catch (error) {
    onFailure(error)
    for (const gauge of measurement.gauges) gauge.forget()
    FAILED_MEASUREMENTS.count({})
  }
}
