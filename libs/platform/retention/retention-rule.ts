import type { RetentionSettings } from '#platform/config/settings.js'
import type { Statement } from '#platform/database/statement.js'

/** What leaves, after how long, and how: stated by whoever owns the table. */
export interface RetentionRule {
  /** As the operator calls it, in metrics and log: `finished requests`. */
  readonly what: string
  /** Which of the ages counts; `atOnce` for what must not outlive its time. */
  readonly age: keyof RetentionSettings | 'atOnce'
  /**
   * Deletes some of it and counts what it deleted. Finds them by an index, takes them with `skip locked`, so that every
   * worker may do it at once, and whoever holds one is not waited for. Values: the time before which it is past its
   * age, and how many at most.
   */
  readonly statement: Statement<{ rows: number }>
}

export const defineRetention = (rule: RetentionRule) => rule
