/** What a job is, on one screen: its name is also its queue's, its payload holds ids only. */
export interface JobDefinition<Payload extends object> {
  readonly name: string
  /** Deterministic: a second ring for the same work is ignored while the first is still under way. No `:`, no bare digits. */
  readonly id: (payload: Payload) => string
  /** Among whom the queue is shared fairly, however much one of them rings for. */
  readonly sharer: (payload: Payload) => string
}

export const defineJob = <Payload extends object>(definition: JobDefinition<Payload>) => definition
