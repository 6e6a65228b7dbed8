import { Module } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { ProviderSettings } from '#platform/config/settings.js'
import { PROVIDER_SETTINGS } from '#platform/config/tokens.js'
import { Providers } from './providers.js'

@Module({
  providers: [
    {
      provide: Providers,
      inject: [PROVIDER_SETTINGS, Clock],
      useFactory: (settings: ProviderSettings, clock: Clock) => new Providers(settings, clock),
    },
  ],
  exports: [Providers],
})
export class ProvidersModule {}
