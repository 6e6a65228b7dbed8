import type { GoogleWorld } from './google-world.js'
import type { Organisation, User } from './organisation.js'

/** For `GET /__sandbox/state`: everything but secrets, tokens and keys; of very many people the first hundred. */
export const worldAsJson = ({ organisations, personalAccounts, serviceAccounts, oauthClients }: GoogleWorld) => ({
  organisations: organisations.map(organisationAsJson),
  personalAccounts: personalAccounts.map(userAsJson),
  serviceAccounts: [...serviceAccounts.values()].map(({ keys, tokenCreators, systemKey: _kept, ...account }) => ({
    ...account,
    tokenCreators: [...tokenCreators],
    keys: keys.map(({ id, disabled }) => ({ id, disabled })),
  })),
  oauthClients: [...oauthClients.values()].map(({ clientSecret: _hidden, ...client }) => client),
})

const organisationAsJson = (organisation: Organisation) => ({
  customerId: organisation.customerId,
  domains: organisation.domains,
  delegations: [...organisation.delegations].map(([clientId, { scopes, effectiveAtMs }]) => ({
    clientId,
    scopes: [...scopes],
    effectiveAt: new Date(effectiveAtMs).toISOString(),
  })),
  blockedClientIds: [...organisation.blockedClientIds],
  numberOfUsers: organisation.users.length,
  users: organisation.users.slice(0, 100).map(userAsJson),
  rooms: organisation.rooms,
  buildings: organisation.buildings,
})

const userAsJson = ({ organisation: _circular, ...user }: User) => user
