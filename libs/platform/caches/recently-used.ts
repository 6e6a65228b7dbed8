import { LRUCache } from 'lru-cache'

type Options<Value extends NonNullable<unknown>> = Omit<LRUCache.OptionsMaxLimit<string, Value, unknown>, 'max'>

/**
 * What was used last, so many entries at most. Given a `max`, the library lays out all its places at once: a process that
 * had nothing to do held 15 MB of empty ones. With a `maxSize` it grows as it is filled.
 */
export class RecentlyUsed<Value extends NonNullable<unknown>> extends LRUCache<string, Value> {
  constructor(most: number, options: Options<Value> = {}) {
    super({ ...options, maxSize: most, sizeCalculation: () => 1 })
  }
}
