interface AnyEvent {
  id: string
  startMs: number
  endMs: number
}

/** What was written into calendars that are made up from their address: events that were added or replaced, and those deleted. */
export class ChangedEvents<Event extends AnyEvent> {
  /** By calendar and event; null: deleted. */
  #changes = new Map<string, Map<string, Event | null>>()

  get any(): boolean {
    return this.#changes.size > 0
  }

  /** Undefined where nobody has changed it. */
  find(calendar: string, id: string): Event | null | undefined {
    return this.#changes.get(calendar)?.get(id)
  }

  put(calendar: string, event: Event): Event {
    this.#of(calendar).set(event.id, event)
    return event
  }

  delete(calendar: string, id: string): void {
    this.#of(calendar).set(id, null)
  }

  /** In the order of their beginnings, as those that are made up are. */
  applied(calendar: string, events: Iterable<Event>, fromMs: number, toMs: number): Iterable<Event> {
    const changes = this.#changes.get(calendar)
    if (!changes) return events
    const unchanged = [...events].filter(({ id }) => !changes.has(id))
    const written = [...changes.values()].filter((event) => event && event.endMs > fromMs && event.startMs < toMs)
    return [...unchanged, ...(written as Event[])].sort((one, other) => one.startMs - other.startMs)
  }

  #of(calendar: string): Map<string, Event | null> {
    const changes = this.#changes.get(calendar) ?? new Map()
    this.#changes.set(calendar, changes)
    return changes
  }
}
