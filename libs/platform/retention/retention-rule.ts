import type { RetentionSettings } from '#platform/config/settings.js'
import { defineStatement, type Statement } from '#platform/database/statement.js'

/** What leaves, after how long, and how: stated by whoever owns the table. */
export interface RetentionRule {
  /** As the operator calls it, in metrics and log: `finished requests`. */
  readonly what: string
  /** Which of the operator's ages counts; or milliseconds, where the operator has no say. */
  readonly age: keyof RetentionSettings | number
  readonly statement: Statement<{ rows: number }>
}

/**
 * @param sql lets some of it go and counts it as `rows`. Finds them by an index, takes them with `skip locked`, so that
 * every worker may do it at once, and whoever holds one is not waited for. Values: the time before which it is past its
 * age, and how many at most.
 */
export const defineRetention = (what: string, age: RetentionRule['age'], sql: string): RetentionRule => ({
  what,
  age,
  statement: defineStatement(`retention of ${what}`, sql),
})

interface Aged {
  table: string
  /** Its primary key, of one column. */
  key: string
  /** `$1` is the time. */
  where: string
  /** The oldest first, as the index has them. */
  order: string
}

/** For most rules: rows on which nothing hangs. */
export const deleteRows = ({ table, ...aged }: Aged) => countTaken(`delete from ${table}`, { table, ...aged })

/** For rows that stay when what they hold leaves. */
export const emptyRows = ({ table, set, ...aged }: Aged & { set: string }) =>
  countTaken(`update ${table} set ${set}`, { table, ...aged })

const countTaken = (take: string, { table, key, where, order }: Aged) => `
  with gone as (
    ${take} where ${key} = any(array(
      select ${key} from ${table} where ${where} order by ${order} limit $2 for update skip locked
    )) returning 1
  )
  select count(*)::int as rows from gone`
