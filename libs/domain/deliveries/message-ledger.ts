import type { Statement } from '#platform/database/statement.js'
import type { AbandonedBecause, DeliveryState } from './delivery-lifecycle.js'

/** A message that is due, and the host that it goes to. Client and host are counted before the database is asked. */
export interface DueMessage {
  id: string
  clientId: string
  host: string
}

/** A message of which this process may make the next attempt. */
export interface ClaimedMessage {
  id: string
  client_id: string
  /** This one included. */
  attempts: number
  /** So that the first answer of a host that has failed is noted. */
  host_has_failed: boolean
  url: string
  /** Exactly the bytes that are signed and sent. */
  body: string
}

/** The right to a first attempt, for a statement that claims it along with what makes the message tellable. */
export interface FirstAttempt {
  leaseUntil: Date
  /** Makes the attempt, which has been claimed by now. @returns false when it is left to a job of its own */
  make(message: ClaimedMessage): Promise<boolean>
  /** To be called in any case, in the end. */
  release(): void
}

export interface AttemptClaim {
  now: Date
  leaseUntil: Date
  host: string
  isProbe: boolean
}

/** What came of an attempt, and what follows from it. */
export interface AttemptResult {
  number: number
  milliseconds: number
  status: number | null
  failure: string | null
  state: DeliveryState
  ringAt: Date | null
  endedAt: Date | null
  now: Date
  because: AbandonedBecause | null
}

/** Where messages of one kind are kept. Each of these is one conditional statement, because several processes may race. */
export interface MessageLedger {
  /** What the log calls it. */
  kind: 'callback' | 'event'
  /** Null when there is no attempt to make, or not now. */
  claim(id: string, claim: AttemptClaim): Promise<ClaimedMessage | null>
  /** Ends what need not be told. @returns whether it did */
  endPointless(id: string, now: Date): Promise<boolean>
  /** See `findNextAttemptIn`, `holdBackIn` and `takeProbeIn`. */
  findNextAttempt: Statement<{ next_attempt_at: Date }>
  holdBack: Statement<{ ring_at: Date | null }>
  takeProbe: Statement<{ host: string }>
  /** Something other than the answer to our POST shows that it was heard. */
  isProven(id: string): Promise<boolean>
  sign(clientId: string, message: { id: string; body: string }): Promise<Record<string, string>>
  record(id: string, result: AttemptResult): Promise<void>
}
