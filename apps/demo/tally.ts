import type { Outcome } from './saas-backend.js'

export interface Figures {
  mailboxes: number
  delivered: number
  denied: number
  redeemed: number
  read: number
  lost: number
  seconds: number
}

/** Counts what reached the client, once for each mailbox. */
export class Tally {
  readonly #outcomes = new Map<string, Outcome>()

  constructor(private readonly mailboxes: number) {}

  add(outcome: Outcome) {
    this.#outcomes.set(outcome.mailbox.email, outcome)
  }

  get answered(): number {
    return this.#outcomes.size
  }

  get isComplete(): boolean {
    return this.answered === this.mailboxes
  }

  figures(seconds: number): Figures {
    const outcomes = [...this.#outcomes.values()]
    const count = (test: (outcome: Outcome) => boolean) => outcomes.filter(test).length
    const denied = count(({ kind }) => kind === 'denied')
    return {
      mailboxes: this.mailboxes,
      delivered: outcomes.length - denied,
      denied,
      redeemed: count((outcome) => outcome.kind === 'read' || (outcome.kind === 'unreadable' && outcome.redeemed)),
      read: count(({ kind }) => kind === 'read'),
      lost: this.mailboxes - outcomes.length,
      seconds: Math.round(seconds * 10) / 10,
    }
  }

  /** The table that the demo ends with. */
  report(seconds: number): string {
    const { mailboxes, delivered, denied, redeemed, read, lost } = this.figures(seconds)
    const events = [...this.#outcomes.values()].reduce((sum, each) => sum + (each.kind === 'read' ? each.events : 0), 0)
    const rows: [string, number, string][] = [
      ['mailboxes asked for', mailboxes, ''],
      ['delivered', delivered, 'a code reached the callback URL'],
      ['redeemed', redeemed, "exchanged at /oauth/token with the vendor's SDK"],
      ['read', read, `${events} events through the proxy`],
      ['denied', denied, 'called back with the reason and the fix'],
      ['lost', lost, ''],
    ]
    const lines = rows.map(([name, value, note]) => `  ${name.padEnd(22)}${String(value).padStart(6)}   ${note}`)
    const rate = `${(mailboxes / seconds).toFixed(0)} mailboxes a second`
    return [
      ...lines,
      `  ${'seconds'.padEnd(22)}${seconds.toFixed(1).padStart(6)}   ${rate}`,
      '',
      ...this.#reasons(),
    ].join('\n')
  }

  #reasons(): string[] {
    const lines: string[] = []
    for (const outcome of this.#outcomes.values()) {
      if (outcome.kind === 'denied')
        lines.push(`  denied  ${outcome.mailbox.email}`, `          ${outcome.key}: ${outcome.description}`)
      if (outcome.kind === 'unreadable')
        lines.push(`  failed  ${outcome.mailbox.email}`, `          ${outcome.problem}`)
    }
    return lines
  }
}
