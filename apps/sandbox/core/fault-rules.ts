import { z } from 'zod'
import { type Answer, answerSchema } from './answer.js'

/** One row of a provider's error table: the real answer, and the path on which the provider gives it. */
export interface NamedError extends Answer {
  /** What a rule matches when it names this error and no path. */
  path: string
}

export type NamedErrors = Readonly<Record<string, NamedError>>

const ACTIONS = ['error', 'answer', 'hang', 'reset', 'truncate', 'delayMs'] as const

/**
 * When it applies: `method`, `path` (with `*`), `contains` (in URL, body or mailbox, any case), `probability`, `times`.
 * What happens: one of `error`, `answer`, `hang`, `reset`, `truncate`; `delayMs` alone or before any of them.
 */
export const faultRuleSchema = (errors: NamedErrors) =>
  z
    .strictObject({
      method: z.string().toUpperCase().optional(),
      path: z.string().startsWith('/').optional(),
      contains: z.string().toLowerCase().min(1).optional(),
      probability: z.number().gt(0).max(1).optional(),
      times: z.int().positive().optional(),
      error: z.enum(Object.keys(errors) as [string, ...string[]]).optional(),
      answer: answerSchema.optional(),
      hang: z.literal(true).optional(),
      reset: z.literal(true).optional(),
      truncate: z.literal(true).optional(),
      delayMs: z.int().positive().max(600_000).optional(),
    })
    .refine((rule) => ACTIONS.some((action) => rule[action] !== undefined), {
      error: `does nothing: give one of ${ACTIONS.join(', ')}`,
    })
    .refine((rule) => ACTIONS.filter((action) => action !== 'delayMs' && rule[action] !== undefined).length <= 1, {
      error: 'has more than one outcome: give one of error, answer, hang, reset, truncate',
    })

export type FaultRule = z.infer<ReturnType<typeof faultRuleSchema>>

export type FaultOutcome =
  | { kind: 'pass' | 'hang' | 'reset' | 'truncate'; delayMs: number }
  | { kind: 'answer'; answer: Answer; delayMs: number }

/** What a rule looks at. `text` costs something to build, so it is asked for only by a rule with `contains`. */
export interface FaultTarget {
  method: string
  path: string
  text(): string
}

interface ActiveRule {
  id: string
  rule: FaultRule
  path: RegExp | null
  hits: number
}

/** The faults of one stand-in. The oldest rule that matches decides; a rule with `times` goes away when used up. */
export class FaultRules {
  #active: ActiveRule[] = []
  #created = 0

  constructor(
    readonly errors: NamedErrors,
    private readonly random: () => number = Math.random,
  ) {}

  /** @throws ZodError */
  add(input: FaultRule): { id: string } & FaultRule {
    const rule = faultRuleSchema(this.errors).parse(input)
    const path = rule.path ?? (rule.error === undefined ? undefined : this.errors[rule.error]?.path)
    this.#created += 1
    const active = { id: `fault_${this.#created}`, rule, path: path === undefined ? null : patternOf(path), hits: 0 }
    this.#active.push(active)
    return { id: active.id, ...rule }
  }

  list(): ({ id: string; hits: number } & FaultRule)[] {
    return this.#active.map(({ id, rule, hits }) => ({ id, hits, ...rule }))
  }

  /** False when there is no such rule. */
  remove(id: string): boolean {
    const before = this.#active.length
    this.#active = this.#active.filter((active) => active.id !== id)
    return this.#active.length < before
  }

  clear(): void {
    this.#active = []
  }

  get any(): boolean {
    return this.#active.length > 0
  }

  /** Finds what should happen to this request, and counts it as happened. */
  take(target: FaultTarget): FaultOutcome | null {
    const active = this.#active.find((candidate) => this.#matches(candidate, target))
    if (!active) return null
    active.hits += 1
    if (active.rule.times !== undefined && active.hits >= active.rule.times) this.remove(active.id)
    return this.#outcomeOf(active.rule)
  }

  #matches({ rule, path }: ActiveRule, target: FaultTarget): boolean {
    if (rule.method !== undefined && rule.method !== target.method) return false
    if (path && !path.test(target.path)) return false
    if (rule.contains !== undefined && !target.text().toLowerCase().includes(rule.contains)) return false
    return rule.probability === undefined || this.random() < rule.probability
  }

  #outcomeOf(rule: FaultRule): FaultOutcome {
    const delayMs = rule.delayMs ?? 0
    const answer = rule.answer ?? (rule.error === undefined ? undefined : this.errors[rule.error])
    if (answer) return { kind: 'answer', answer, delayMs }
    if (rule.hang) return { kind: 'hang', delayMs }
    if (rule.reset) return { kind: 'reset', delayMs }
    return { kind: rule.truncate ? 'truncate' : 'pass', delayMs }
  }
}

function patternOf(path: string): RegExp {
  const pieces = path.split('*').map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pieces.join('.*')}$`)
}
