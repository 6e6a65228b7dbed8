import { Migration } from '@mikro-orm/migrations'

/** Which clients may be handed tokens of the provider's own (ADR 0024): none that is there, and none that comes, by default. */
export class ProviderTokensOfClients extends Migration {
  override up(): void {
    this.addSql('alter table clients add column may_hold_provider_tokens boolean not null default false')
  }
}
