import { writeFile } from 'node:fs/promises'
import { CURVE, readCurve, type Sample } from './backlog-curve.js'

const PICTURE = 'docs/images/backlog.svg'

const [WIDTH, HEIGHT] = [760, 470]
/** Of both panels; what is left of them is for the figures of the axis, what is right for the names of the curves. */
const [LEFT, RIGHT] = [64, 690]
/** A rate is of so many parts of the whole: of a second's it would be noise. */
const PARTS = 50
const TENTHS = Array.from({ length: 11 }, (_, tenth) => tenth / 10)

interface Curve {
  name: string
  points: readonly (readonly [part: number, value: number])[]
}
interface Panel {
  title: string
  top: number
  bottom: number
  curves: readonly Curve[]
}

/** Draws the newest run of the backlog for docs/performance.md. */
async function main() {
  const samples = await readCurve()
  await writeFile(PICTURE, pictureOf(samples))
  process.stdout.write(`${CURVE} is drawn in ${PICTURE}\n`)
}

function pictureOf(samples: readonly Sample[]): string {
  const { told, seconds } = samples.at(-1)!
  const thousands = Math.round(told / 1000)
  const memory = (name: 'worker' | 'api') => ({
    name,
    points: samples.map((one) => [one.told / told, one[name]] as const),
  })
  const panels: Panel[] = [
    { title: 'Callbacks a second', top: 52, bottom: 202, curves: [{ name: 'rate', points: ratesOf(samples, told) }] },
    { title: 'Memory, MB resident', top: 262, bottom: 412, curves: [memory('worker'), memory('api')] },
  ]
  const about = `A backlog of ${thousands},000 requests: callbacks a second, and memory of worker and api, until all are told`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title">
  <title id="title">${about}</title>
  <style>
    .panel { fill: #ffffff; stroke: #d0d7de }
    .grid { stroke: #d8dee4 }
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round }
    .rate, .worker { stroke: #0b5563 }
    .api { stroke: #b35900 }
    text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328 }
    .figure { font-size: 12px; fill: #57606a }
    .left { text-anchor: end }
    .below { text-anchor: middle }
    .title { font-weight: 600 }
    text.rate, text.worker { fill: #0b5563; stroke: none }
    text.api { fill: #b35900; stroke: none }
    @media (prefers-color-scheme: dark) {
      .panel { fill: #0d1117; stroke: #30363d }
      .grid { stroke: #272d35 }
      .rate, .worker { stroke: #4fb6c6 }
      .api { stroke: #f0a04b }
      text { fill: #e6edf3 }
      .figure { fill: #9198a1 }
      text.rate, text.worker { fill: #4fb6c6 }
      text.api { fill: #f0a04b }
    }
  </style>
  <rect class="panel" x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8"/>
${panels.map(drawn).join('\n')}
${TENTHS.map((part) => text('figure below', xOf(part), 432, `${rounded(part * thousands)}`)).join('\n')}
${text('figure below', (LEFT + RIGHT) / 2, 454, `Thousands of callbacks told; all ${thousands} after ${Math.round(seconds)} s`)}
</svg>
`
}

function ratesOf(samples: readonly Sample[], all: number): [number, number][] {
  const secondsAt = (told: number): number => {
    const after = samples.findIndex((one) => one.told >= told)
    const [from, to] = [samples[Math.max(0, after - 1)]!, samples[after]!]
    if (to.told === from.told) return to.seconds
    return from.seconds + ((to.seconds - from.seconds) * (told - from.told)) / (to.told - from.told)
  }
  return Array.from({ length: PARTS }, (_, n) => {
    const took = secondsAt((all * (n + 1)) / PARTS) - secondsAt((all * n) / PARTS)
    return [(n + 0.5) / PARTS, all / PARTS / took]
  })
}

function drawn({ title, top, bottom, curves }: Panel): string {
  const { most, step } = scaleFor(Math.max(...curves.flatMap(({ points }) => points.map(([, value]) => value))))
  const yOf = (value: number) => bottom - ((bottom - top) * value) / most
  const marks = Array.from({ length: most / step + 1 }, (_, n) => n * step)
  return [
    text('title', LEFT, top - 16, title),
    ...marks.map((mark) => line(LEFT, yOf(mark), RIGHT, yOf(mark))),
    ...marks.map((mark) => text('figure left', LEFT - 8, yOf(mark) + 4, `${mark}`)),
    ...TENTHS.map((part) => line(xOf(part), top, xOf(part), bottom)),
    ...curves.flatMap(({ name, points }) => [
      `  <polyline class="curve ${name}" points="${points.map(([part, value]) => `${rounded(xOf(part))},${rounded(yOf(value))}`).join(' ')}"/>`,
      text(name, RIGHT + 8, yOf(points.at(-1)![1]) + 4, name),
    ]),
  ].join('\n')
}

/** From zero, so that what looks level is; some five marks. */
function scaleFor(highest: number): { most: number; step: number } {
  const steps = [1, 2, 5].flatMap((digit) => [10, 100, 1000].map((power) => digit * power)).sort((a, b) => a - b)
  const step = steps.find((one) => highest / one <= 5) ?? highest
  return { step, most: Math.ceil(highest / step) * step }
}

const xOf = (part: number) => LEFT + (RIGHT - LEFT) * part
const rounded = (value: number) => Number(value.toFixed(1))
const line = (x1: number, y1: number, x2: number, y2: number) =>
  `  <line class="grid" x1="${rounded(x1)}" y1="${rounded(y1)}" x2="${rounded(x2)}" y2="${rounded(y2)}"/>`
const text = (kind: string, x: number, y: number, what: string) =>
  `  <text class="${kind}" x="${rounded(x)}" y="${rounded(y)}">${what}</text>`

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
