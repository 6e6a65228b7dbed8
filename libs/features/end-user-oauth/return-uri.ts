import type { ProviderName } from '#domain/providers/provider.port.js'
import { type Dialect, morgenIdOf } from './dialects.js'

/** Where the provider sends the browser back to. Registered by the operator at the provider, once for every client. */
export const returnUri = (publicUrl: URL, dialect: Dialect, provider: ProviderName) =>
  new URL(RETURNS_TO[dialect](provider), publicUrl).href

const RETURNS_TO: Record<Dialect, (provider: ProviderName) => string> = {
  morgen: (provider) => `/v1/integrations/${morgenIdOf(provider)}/oauth/callback`,
  'work-api': () => '/auth/callback',
  oauth: (provider) => `/oauth/return/${provider}`,
  socrate: (provider) => `/oauth/return/${provider}`,
}
