import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second. */
const MS_PER_TICK = 10

/** By role, in milliseconds. */
export type CpuTime = ReadonlyMap<string, number>

const ROLES: readonly [RegExp, string][] = [
  [/postgres/, 'postgres'],
  [/redis/, 'redis'],
  [/(\w+)\/main\.js/, '$1'],
  [/(floor|peer)-\w+\.js/, '$1'],
]

/**
 * What the bench, the processes under it and the database in this directory have used of the processors so far. Another
 * program's work on the same machine slows the clock and not this. Empty where there is no /proc.
 */
export function cpuTime(directory: string): CpuTime {
  const all = processes()
  const used = new Map<string, number>()
  const add = (pid: number) => {
    const { command, ticks } = all.get(pid)!
    const role = pid === process.pid ? 'bench' : roleOf(command)
    used.set(role, (used.get(role) ?? 0) + ticks * MS_PER_TICK)
    for (const [child, { parent }] of all) if (parent === pid) add(child)
  }
  for (const [pid, { parent, command }] of all)
    if (pid === process.pid || (parent === 1 && command.includes(directory))) add(pid)
  return used
}

export const since = (before: CpuTime, now: CpuTime): CpuTime =>
  new Map([...now].map(([role, used]) => [role, used - (before.get(role) ?? 0)]))

/** For each piece of work, in all and by role. */
export function asLine(spent: CpuTime, pieces: number): string {
  const each = [...spent].map(([role, ms]) => [role, ms / pieces] as const).filter(([, ms]) => ms >= 0.005)
  const sum = each.reduce((total, [, ms]) => total + ms, 0)
  return `CPU ${sum.toFixed(2)} ms each: ${each.map(([role, ms]) => `${role} ${ms.toFixed(2)}`).join(', ')}`
}

function roleOf(command: string): string {
  const [pattern, role] = ROLES.find(([known]) => known.test(command)) ?? [/^/, 'other']
  return role.replace('$1', pattern.exec(command)?.[1] ?? '')
}

function processes() {
  const found = new Map<number, { parent: number; command: string; ticks: number }>()
  for (const pid of pids()) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name, in brackets, may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      // User and system; its own, and of children that have ended: a server of PostgreSQL's lives as long as its connection.
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
      found.set(pid, { parent: Number(fields[1]), command, ticks })
    } catch {
      // It has ended meanwhile.
    }
  }
  return found
}

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Boolean)
  } catch {
    return []
  }
}
