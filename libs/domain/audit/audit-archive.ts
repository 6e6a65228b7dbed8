import { createHash } from 'node:crypto'
import type { Signer } from '#platform/secrets/signer.js'
import type { ChainEnd, Month } from './audit-months.js'

const KIND = 'mandate-audit-archive-1'

/**
 * What is said when a month has left the database: what was in it, and the last row of every chain that has left until
 * then. Each goes on from there. It stands in the database and at the end of the archive, in the same bytes.
 */
export interface ArchiveStatement {
  kind: typeof KIND
  /** The last one in it: what was there before the audit had months is archived with the first. */
  month: Month
  archived_at: string
  /** SHA-256 of the statement before; null for the first. */
  follows: string | null
  /** Rows, which are lines, and the SHA-256 of those with their line ends. */
  lines: number
  sha256: string
  chains: ChainEnd[]
}

/** Signed as the text that it was written as, which is never formatted anew. */
export interface SignedStatement {
  month: Month
  statement: string
  signature: string
}

export const stateArchive = (facts: Omit<ArchiveStatement, 'kind'>): string => JSON.stringify({ kind: KIND, ...facts })

export const digestOf = (statement: string) => createHash('sha256').update(statement).digest('hex')

export type Authenticity = ReturnType<Signer['check']>

/** Nothing else that is signed is a text with this kind. */
export function checkStatement(signer: Signer, { statement, signature }: Omit<SignedStatement, 'month'>): Authenticity {
  return isOurs(statement) ? signer.check(statement, signature) : 'forged'
}

/** Null for what was not written by {@link stateArchive}; what was is signed. */
export function readStatement(statement: string): ArchiveStatement | null {
  if (!isOurs(statement)) return null
  try {
    return JSON.parse(statement)
  } catch {
    return null
  }
}

const isOurs = (statement: string) => statement.startsWith(`{"kind":"${KIND}",`)
