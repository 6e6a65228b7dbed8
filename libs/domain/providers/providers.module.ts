import { Module } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { ProviderSettings } from '#platform/config/settings.js'
import { PROVIDER_SETTINGS } from '#platform/config/tokens.js'
import { Log } from '#platform/observability/log.js'
import { Providers } from './providers.js'
import { ProviderTokens } from './tokens/provider-tokens.js'

@Module({
  providers: [
    ProviderTokens,
    {
      provide: Providers,
      inject: [PROVIDER_SETTINGS, Clock, ProviderTokens, Log],
      useFactory: (settings: ProviderSettings, clock: Clock, tokens: ProviderTokens, log: Log) =>
        new Providers(settings, clock, tokens, log),
    },
  ],
  exports: [Providers, ProviderTokens],
})
export class ProvidersModule {}
