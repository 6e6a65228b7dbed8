import { createHash } from 'node:crypto'

export interface JournalEntry {
  /** Counts up from 1 and is never reused, so that "what came after this" can be asked. */
  number: number
  at: string
  method: string
  host: string
  /** The host that the caller meant (`x-provider-host`), where a transport brought it here. */
  providerHost: string | null
  /** Path and query; a query value that could authenticate or be traded for a token is `[hidden]`. */
  path: string
  /** Null while unanswered, and for ever when hung up on. */
  status: number | null
  /** The mailbox, user or service account acted as, where known. */
  subject: string | null
  /** Twelve digits of the bearer token's hash: says whether two requests used the same token, and no more. */
  tokenHash: string | null
  /** What a fault rule did to it. */
  fault: string | null
}

export interface JournalFilter {
  method?: string | undefined
  /** Part of the path. */
  path?: string | undefined
  subject?: string | undefined
  status?: number | undefined
  /** Only entries with a greater number. */
  after?: number | undefined
  /** The newest so many. */
  limit?: number | undefined
}

/** The last requests of one stand-in, in a ring, so that a benchmark may run for hours. Never holds a secret. */
export class RequestJournal {
  #ring: JournalEntry[] = []
  #count = 0

  constructor(private readonly capacity = 10_000) {}

  add(entry: Omit<JournalEntry, 'number'>): JournalEntry {
    const added = { number: this.#count + 1, ...entry }
    this.#ring[this.#count % this.capacity] = added
    this.#count += 1
    return added
  }

  clear(): void {
    this.#ring = []
    this.#count = 0
  }

  /** How many there have been since the last `clear`, forgotten ones included. */
  get total(): number {
    return this.#count
  }

  /** Oldest first. */
  list(filter: JournalFilter = {}): JournalEntry[] {
    const oldestAt = this.#count > this.capacity ? this.#count % this.capacity : 0
    const inOrder = [...this.#ring.slice(oldestAt), ...this.#ring.slice(0, oldestAt)]
    const found = inOrder.filter((entry) => matches(entry, filter))
    return filter.limit === undefined ? found : found.slice(-filter.limit)
  }
}

function matches(entry: JournalEntry, { method, path, subject, status, after }: JournalFilter): boolean {
  return (
    (method === undefined || entry.method === method.toUpperCase()) &&
    (path === undefined || entry.path.includes(path)) &&
    (subject === undefined || entry.subject?.toLowerCase() === subject.toLowerCase()) &&
    (status === undefined || entry.status === status) &&
    (after === undefined || entry.number > after)
  )
}

const HIDDEN_PARAMETER = /token|code|secret|assertion|state|nonce|verifier|password|key/i

/** The URL as it may be kept. */
export function pathWithoutSecrets(url: string): string {
  const mark = url.indexOf('?')
  if (mark < 0) return url
  const kept = url
    .slice(mark + 1)
    .split('&')
    .map((pair) => (HIDDEN_PARAMETER.test(pair.split('=', 1)[0] ?? '') ? `${pair.split('=', 1)[0]}=[hidden]` : pair))
  return `${url.slice(0, mark)}?${kept.join('&')}`
}

export function tokenHashOf(authorization: string | undefined): string | null {
  if (!authorization) return null
  return createHash('sha256').update(authorization).digest('hex').slice(0, 12)
}
