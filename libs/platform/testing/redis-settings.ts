import type { RedisSettings } from '#platform/config/settings.js'
import { Secret } from '#platform/secrets/secret.js'

/** How to reach these, set up like that; otherwise one Redis without anything. */
export const redisAt = (urls: string | readonly string[], more: Partial<RedisSettings> = {}): RedisSettings => ({
  urls: new Secret([urls].flat().map((url) => new URL(url))),
  ...{ cluster: false, sentinel: null, sentinelPassword: null, ca: null },
  ...more,
})
