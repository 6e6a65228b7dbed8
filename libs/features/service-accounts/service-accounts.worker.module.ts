import { Module } from '@nestjs/common'
import { RetentionModule } from '#platform/retention/retention.module.js'
import { EXPIRED_CONSENTS, SECRETS_OF_CONSENTS } from './retained-consents.js'

@Module({ imports: [RetentionModule.forRules(SECRETS_OF_CONSENTS, EXPIRED_CONSENTS)] })
export class ServiceAccountsWorkerModule {}
