import { createPublicKey } from 'node:crypto'
import { operatorsKey } from '../core/self-signed-certificate.js'
import type { GoogleSeedInput } from '../google/seed.js'
import { keyFileFor, type ServiceAccountKeyFile } from '../google/service-account-key-file.js'
import { defaultMicrosoftSeed, type MicrosoftAppCredentials } from '../microsoft/default-seed.js'
import { type SandboxSeed, sandboxSeed } from './seed-schema.js'

/** What the operator of Mandate holds: registrations at the providers, with their secrets. */
export interface OperatorCredentials {
  googleKeyFile: ServiceAccountKeyFile
  googleClient: { clientId: string; clientSecret: string }
  microsoftApp: MicrosoftAppCredentials
}

const GOOGLE_CLIENT = {
  clientId: '514822390171-m4nd4te5andb0x.apps.googleusercontent.com',
  clientSecret: 'GOCSPX-sandbox-only-not-a-secret',
}

/**
 * At each provider, one organisation that is to be authorised, and another that must never be reached through it.
 * `mailboxes` adds so many ordinary people to each of the first ones. Delegation and consent are missing on purpose:
 * adding them is the administrator's part of the journey.
 */
export async function defaultSeed({
  mailboxes = 0,
} = {}): Promise<{ seed: SandboxSeed; operator: OperatorCredentials }> {
  const account = {
    email: 'mandate@mandate-sandbox.iam.gserviceaccount.com',
    clientId: '108844220066113355779',
  }
  const keyId = '5b1c0d2e3f405162738495a6b7c8d9eaf0b1c2d3'
  const privateKey = await operatorsKey()
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
  const google: GoogleSeedInput = {
    organisations: [acme(mailboxes), globex],
    personalAccounts: [{ email: 'pat.private@gmail.com', givenName: 'Pat', familyName: 'Private' }],
    serviceAccounts: [{ ...account, keys: [{ id: keyId, publicKey }] }],
    oauthClients: [{ ...GOOGLE_CLIENT, name: 'Mandate', redirectUris: ['loopback'] }],
  }
  const microsoft = await defaultMicrosoftSeed({ mailboxes })
  return {
    seed: sandboxSeed.parse({ google, microsoft: microsoft.seed }),
    operator: {
      googleKeyFile: keyFileFor(account, keyId, privateKey),
      googleClient: GOOGLE_CLIENT,
      microsoftApp: microsoft.app,
    },
  }
}

type OrganisationInput = NonNullable<GoogleSeedInput['organisations']>[number]

const acme = (mailboxes: number): OrganisationInput => ({
  customerId: 'C01abc234',
  domains: [{ name: 'acme.test', aliases: ['acme-mail.test'] }, { name: 'acme.example' }],
  users: [
    { email: 'admin@acme.test', givenName: 'Ada', familyName: 'Admin', isAdmin: true },
    { email: 'anna@acme.test', givenName: 'Anna', familyName: 'Arnold', aliases: ['anna.arnold@acme.test'] },
    { email: 'ben@acme.test', givenName: 'Ben', familyName: 'Berger' },
    { email: 'carla@acme.example', givenName: 'Carla', familyName: 'Costa' },
    { email: 'helpdesk@acme.test', givenName: 'Hugo', familyName: 'Helpdesk', isDelegatedAdmin: true },
    { email: 'suspended@acme.test', givenName: 'Sam', familyName: 'Suspended', suspended: true },
    { email: 'nocalendar@acme.test', givenName: 'Nora', familyName: 'Nocalendar', calendar: false },
  ],
  mailboxes,
  buildings: [{ id: 'berlin', name: 'Berlin' }],
  rooms: [
    {
      email: 'c_1884lovelace0board0room@resource.calendar.google.com',
      name: 'Lovelace',
      capacity: 12,
      buildingId: 'berlin',
      floorName: '2',
    },
    {
      email: 'c_1885hopper0huddle0room@resource.calendar.google.com',
      name: 'Hopper',
      capacity: 4,
      buildingId: 'berlin',
      floorName: '3',
    },
  ],
})

const globex: OrganisationInput = {
  customerId: 'C09xyz876',
  domains: [{ name: 'globex.test' }],
  users: [
    { email: 'admin@globex.test', givenName: 'Gina', familyName: 'Admin', isAdmin: true },
    { email: 'greg@globex.test', givenName: 'Greg', familyName: 'Green' },
  ],
  rooms: [{ email: 'c_1990globex0room@resource.calendar.google.com', name: 'Springfield', capacity: 8 }],
}
