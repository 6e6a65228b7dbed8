import { CLOUDS } from './microsoft/microsoft-cloud.js'
import type { ProviderName } from './provider.port.js'

/** Where the APIs are that a mailbox's token of this provider opens. */
export const PROVIDER_APIS: Readonly<Record<ProviderName, readonly string[]>> = {
  google: ['https://www.googleapis.com'],
  microsoft: Object.values(CLOUDS).map(({ graph }) => graph),
}
