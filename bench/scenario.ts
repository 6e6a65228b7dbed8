import type { Ground } from './ground.js'

export interface Result {
  name: string
  unit: string
  ours: number
  floor: number
  peer: number | null
  ratio_floor: number
  ratio_peer: number | null
}

export interface Scenario {
  name: string
  /** Null when this machine lacks what it needs; says so. */
  run(ground: Ground, rounds: number, say: (line: string) => void): Promise<Result | null>
}

export const median = (figures: readonly number[]) =>
  [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)]!

const rounded = (figure: number, digits: number) => Number(figure.toFixed(digits))

export const resultOf = (name: string, unit: string, ours: number[], floor: number[]): Result => ({
  name,
  unit,
  ours: rounded(median(ours), 1),
  floor: rounded(median(floor), 1),
  peer: null,
  ratio_floor: rounded(median(ours) / median(floor), 3),
  ratio_peer: null,
})

export function asTable(results: readonly Result[]): string {
  const header = ['scenario', 'of the floor', 'ours', 'floor', 'unit']
  const rows = results.map(({ name, ratio_floor, ours, floor, unit }) => [
    name,
    ratio_floor.toFixed(2),
    ours.toFixed(0),
    floor.toFixed(0),
    unit,
  ])
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
  return `${[header, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')}\n`
}
