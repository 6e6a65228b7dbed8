import { Secret } from '#platform/secrets/secret.js'

/** What this machine has for the tests to use. Jest's global setup looks once; the environment is its only way to tell the workers. */
export interface MachineForTests {
  /** Superuser's, on the PostgreSQL that was started for this run. */
  postgresUrl: string
  /** Null: none answers on 127.0.0.1:6379. */
  redisUrl: string | null
  /** Null: none on the PATH. */
  chromiumPath: string | null
  /** Null: none on the PATH, nor where packages put programs of the system. */
  pgbouncerPath: string | null
}

const VARIABLE = 'MANDATE_TEST_MACHINE'

export function announceMachine(machine: MachineForTests): void {
  process.env[VARIABLE] = JSON.stringify(machine)
}

export function machineForTests(): MachineForTests {
  const announced = process.env[VARIABLE]
  if (!announced)
    throw new Error('There is no PostgreSQL for this test: run it through jest, whose global setup starts one.')
  return JSON.parse(announced)
}

/** Null where the machine has none. Shared with everybody else on it: use key prefixes of your own, and never flush. */
export function redisForTests(): Secret<string> | null {
  const { redisUrl } = machineForTests()
  return redisUrl === null ? null : new Secret(redisUrl)
}

/** Where to find Chromium; null where the machine has none. */
export const chromiumForTests = (): string | null => machineForTests().chromiumPath
