import { Injectable } from '@nestjs/common'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { Database } from '#platform/database/database.js'
import { factsOf, type RegistrationFacts } from './registration-facts.js'

@Injectable()
export class ShowProviderCredentials {
  constructor(
    private readonly database: Database,
    private readonly credentials: ProviderCredentials,
  ) {}

  async show(): Promise<RegistrationFacts[]> {
    const registrations = await this.database.read((em) => this.credentials.listWithSecret(em))
    return registrations.map(factsOf)
  }
}
