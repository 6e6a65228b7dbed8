import { asLine, cpuTime, since } from './cpu-time.js'
import type { Ground } from './ground.js'

export interface Result {
  name: string
  unit: string
  ours: number
  floor: number | null
  peer: number | null
  ratio_floor: number | null
  ratio_peer: number | null
  /** Milliseconds that 99 of 100 calls took at most, where calls are what is measured. */
  p99: number | null
  p99_peer: number | null
}

export interface Scenario {
  name: string
  /** What is compared, in a few words. */
  about: string
  /** Runs only when it is named. */
  takesLong?: boolean
  /** People whom the stand-in has to know, where that is more than usual. */
  mailboxes?: number
  /** Null when this machine lacks what it needs; says so. */
  run(ground: Ground, rounds: number, say: (line: string) => void): Promise<Result[] | null>
}

/** One of those that are compared. A round is so many pieces of work; it answers with a figure in the scenario's unit. */
export interface Contender {
  round(): Promise<number>
  /** Of each round, where it was calls. */
  p99?: readonly number[]
}

/** Rounds of calls. */
export function ofCalls(send: () => Promise<{ figure: number; p99: number }>): Contender {
  const slowest: number[] = []
  const round = async () => {
    const { figure, p99 } = await send()
    slowest.push(p99)
    return figure
  }
  return { round, p99: slowest }
}

export interface Contest {
  name: string
  unit: string
  rounds: number
  /** Pieces of work in a round, for the CPU time that each took. */
  pieces: number
  directory: string
  say: (line: string) => void
}

export async function compare(
  contest: Contest,
  contenders: { floor: Contender | null; ours: Contender; peer?: Contender },
): Promise<Result> {
  const { floor, ours, peer } = contenders
  const figures = await alternate(contest, { ...(floor && { floor }), ours, ...(peer && { peer }) })
  return resultOf(contest.name, contest.unit, figures, { ours: ours.p99, peer: peer?.p99 })
}

/** All of them in turn, so that whatever else the machine does meets each. @returns the figures of each one's rounds */
export async function alternate<Who extends string>(
  { name, unit, rounds, pieces, directory, say }: Contest,
  contenders: { [who in Who]?: Contender },
): Promise<Record<Who, number[]>> {
  const inOrder = Object.entries(contenders) as [Who, Contender][]
  const figures = Object.fromEntries(inOrder.map(([who]) => [who, []])) as unknown as Record<Who, number[]>
  for (let round = 1; round <= rounds; round++) {
    for (const [who, contender] of inOrder) {
      const before = cpuTime(directory)
      const figure = await contender.round()
      figures[who].push(figure)
      const spent = asLine(since(before, cpuTime(directory)), pieces)
      const p99 = contender.p99?.at(-1)
      const slowest = p99 === undefined ? '' : ` p99 ${p99.toFixed(1)} ms;`
      say(`${name}, round ${round}, ${who}: ${figure.toFixed(0)} ${unit};${slowest} ${spent}`)
    }
  }
  return figures
}

const median = (figures: readonly number[]) => [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)]

const rounded = (figure: number, digits: number) => Number(figure.toFixed(digits))

export function resultOf(
  name: string,
  unit: string,
  figures: { ours: number[]; floor?: number[]; peer?: number[] },
  p99: { ours?: readonly number[] | undefined; peer?: readonly number[] | undefined } = {},
): Result {
  const [ours, floor, peer] = [median(figures.ours)!, median(figures.floor ?? []), median(figures.peer ?? [])]
  const ratio = (other: number | undefined) => (other === undefined ? null : rounded(ours / other, 3))
  const said = (figure: number | undefined) => (figure === undefined ? null : rounded(figure, 1))
  return {
    ...{ name, unit, ours: rounded(ours, 1), floor: said(floor), peer: said(peer) },
    ...{ ratio_floor: ratio(floor), ratio_peer: ratio(peer) },
    ...{ p99: said(median(p99.ours ?? [])), p99_peer: said(median(p99.peer ?? [])) },
  }
}

export function asTable(results: readonly Result[]): string {
  const header = ['scenario', 'of the floor', 'of the peer', 'ours', 'floor', 'peer', 'unit', 'p99 ms', "peer's"]
  const said = (figure: number | null, digits: number) => figure?.toFixed(digits) ?? ''
  const rows = results.map(({ name, ratio_floor, ratio_peer, ours, floor, peer, unit, p99, p99_peer }) => [
    ...[name, said(ratio_floor, 2), said(ratio_peer, 2)],
    ...[said(ours, 0), said(floor, 0), said(peer, 0), unit, said(p99, 0), said(p99_peer, 0)],
  ])
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
  return `${[header, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')}\n`
}
