import { ProviderError } from '#platform/errors/provider-error.js'
import type { CheckStep } from './administrator.port.js'

/**
 * The lines of one check page, by id. Every line is reported once, so that every page has the same ones: what an early
 * refusal kept us from trying is reported by `rest`.
 */
export class Checklist {
  readonly #open: Map<string, string>
  #complete = true

  constructor(lines: Iterable<readonly [id: string, label: string]>) {
    this.#open = new Map(lines)
  }

  passed = (id: string) => this.#report(id, { outcome: 'passed' })

  failed(
    id: string,
    { facts }: ProviderError,
    { fix = facts.fix, commands = [] }: Partial<Pick<CheckStep, 'fix' | 'commands'>> = {},
  ): CheckStep {
    this.#complete = false
    return this.#report(id, { outcome: 'failed', problem: facts.problem, fix, commands, key: facts.key })
  }

  /** For what cannot be known; stands in nobody's way. */
  unknowable(id: string, problem: string, fix: string): CheckStep {
    return this.#report(id, { outcome: 'not-checked', problem, fix })
  }

  *rest(): Generator<CheckStep> {
    for (const id of [...this.#open.keys()]) {
      this.#complete = false
      yield this.#report(id, { outcome: 'not-checked', problem: 'An earlier step has to pass first.' })
    }
  }

  /** After `rest`: nothing failed, and nothing was left out. */
  get complete(): boolean {
    return this.#complete
  }

  #report(id: string, result: Pick<CheckStep, 'outcome'> & Partial<CheckStep>): CheckStep {
    const label = this.#open.get(id)
    if (label === undefined) throw new TypeError(`${id} is no open line of this check`)
    this.#open.delete(id)
    return { id, label, problem: '', fix: '', key: null, commands: [], ...result }
  }
}

export type Tried<T> = { value: T; refusal: null } | { value: null; refusal: ProviderError }

/** A refusal is a result of the check. An outage is no answer at all, and is thrown on. */
export async function tried<T>(call: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { value: await call(), refusal: null }
  } catch (error) {
    if (!(error instanceof ProviderError) || error.facts.class === 'retry') throw error
    return { value: null, refusal: error }
  }
}
