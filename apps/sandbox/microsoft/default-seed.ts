import { operatorsKey, selfSignedCertificate } from '../core/self-signed-certificate.js'
import type { MicrosoftSeedInput } from './seed.js'

/** The operator's app registration, with the credentials that only its owner has. */
export interface MicrosoftAppCredentials {
  clientId: string
  clientSecret: string
  certificatePem: string
  privateKeyPem: string
}

export const INITECH = '8a7c2f10-4d1e-4b52-9c3a-5f60718293a4'
export const UMBRELLA = 'b1d5e7f9-0213-4a68-8c9e-d7f6a5b4c3d2'
const APP = {
  clientId: '5d0f3c1a-7b28-4e96-a1c4-3e8b9d2f6a70',
  clientSecret: 'sbx8Q~sandbox-only-not-a-secret',
}

/**
 * One organisation that is to be authorised, and another that must never be reached through it. `mailboxes` adds so many
 * ordinary people to the first. Nobody has consented yet: that is the administrator's part of the journey.
 */
export async function defaultMicrosoftSeed({
  mailboxes = 0,
} = {}): Promise<{ seed: MicrosoftSeedInput; app: MicrosoftAppCredentials }> {
  const privateKey = await operatorsKey()
  const certificatePem = selfSignedCertificate(privateKey, 'mandate.test')
  const { clientId, clientSecret } = APP
  const registration = {
    clientId,
    displayName: 'Mandate',
    secrets: [{ value: clientSecret }],
    certificates: [certificatePem],
  }
  return {
    seed: { tenants: [initech(mailboxes), umbrella], registrations: [registration] },
    app: { ...APP, certificatePem, privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
  }
}

type TenantInput = NonNullable<MicrosoftSeedInput['tenants']>[number]

const initech = (mailboxes: number): TenantInput => ({
  id: INITECH,
  displayName: 'Initech',
  domains: ['initech.test', 'initech.onmicrosoft.test'],
  users: [
    { upn: 'admin@initech.test', displayName: 'Alex Admin', roles: ['Global Administrator'] },
    { upn: 'milton@initech.test', displayName: 'Milton Waddams', sharedCalendars: ['bill@initech.test'] },
    { upn: 'bill@initech.test', displayName: 'Bill Lumbergh', aliases: ['bill.lumbergh@initech.test'] },
    { upn: 'helpdesk@initech.test', displayName: 'Hanna Helpdesk', roles: ['User Administrator'] },
    { upn: 'disabled@initech.test', displayName: 'Dirk Disabled', accountEnabled: false },
    { upn: 'excluded@initech.test', displayName: 'Erika Excluded' },
    { upn: 'nomailbox@initech.test', displayName: 'Nils Nomailbox', mailbox: 'none' },
  ],
  mailboxes,
  rooms: [
    { email: 'room.apollo@initech.test', displayName: 'Apollo', capacity: 10, building: 'Main', floorNumber: 1 },
    { email: 'room.gemini@initech.test', displayName: 'Gemini', capacity: 4, building: 'Main', floorNumber: 2 },
  ],
  roomLists: [
    {
      email: 'main-building@initech.test',
      displayName: 'Main building',
      rooms: ['room.apollo@initech.test', 'room.gemini@initech.test'],
    },
  ],
  mailboxPolicies: [{ clientId: APP.clientId, mailboxes: ['excluded@initech.test'] }],
})

const umbrella: TenantInput = {
  id: UMBRELLA,
  displayName: 'Umbrella',
  domains: ['umbrella.test'],
  users: [
    { upn: 'admin@umbrella.test', displayName: 'Uma Admin', roles: ['Global Administrator'] },
    { upn: 'ursula@umbrella.test', displayName: 'Ursula Under' },
  ],
  rooms: [{ email: 'room.hive@umbrella.test', displayName: 'Hive', capacity: 8 }],
}
