import { createPublicKey, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ImpossibleChange, type Mutation, mutation } from '../core/mutation.js'
import { newSigningKey } from '../core/self-signed-certificate.js'
import type { GoogleWorld, ServiceAccount } from './google-world.js'
import type { Organisation } from './organisation.js'
import { expanded } from './scopes.js'
import { delegationSeed, userSeed } from './seed.js'
import { keyFileFor } from './service-account-key-file.js'

const email = z.email().transform((value) => value.toLowerCase())
const person = z.strictObject({ email })
const inOrganisation = {
  clientId: delegationSeed.shape.clientId,
  /** Domain or customer id; the first organisation when left out. */
  organisation: z.string().optional(),
}
const accountName = { serviceAccount: z.string().describe('e-mail address or numeric client id') }
const keyName = z.strictObject({ ...accountName, keyId: z.string().optional().describe('every key when left out') })

/** Twenty-one digits, as Google numbers people and clients. */
const numericId = () => `1${BigInt(`0x${randomBytes(9).toString('hex')}`)}`.padEnd(21, '0').slice(0, 21)

/** What administrators, people and operators do at Google, for tests and demonstrations. */
export function googleMutations(world: GoogleWorld): Mutation[] {
  const organisationOf = (name: string | undefined): Organisation => {
    const [first] = world.organisations
    if (name !== undefined) return world.getOrganisation(name)
    if (!first) throw new ImpossibleChange('organisation: there is none')
    return first
  }
  const setKeys = (disabled: boolean) => (input: z.output<typeof keyName>) => {
    const keys = world.getServiceAccount(input.serviceAccount).keys
    const chosen = keys.filter(({ id }) => input.keyId === undefined || id === input.keyId)
    if (chosen.length === 0)
      throw new ImpossibleChange(`keyId: there are ${keys.map(({ id }) => id).join(', ') || 'no keys'}`)
    for (const key of chosen) key.disabled = disabled
  }
  const createKey = async (account: ServiceAccount) => {
    const privateKey = await newSigningKey()
    const id = randomBytes(20).toString('hex')
    account.keys.push({ id, publicKey: createPublicKey(privateKey), disabled: false })
    return keyFileFor(account, id, privateKey)
  }

  return [
    mutation(
      'add-delegation',
      'An administrator adds domain-wide delegation; the whole scope list replaces an earlier one.',
      delegationSeed.extend(inOrganisation),
      ({ organisation, ...delegation }) =>
        organisationOf(organisation).delegate(
          { ...delegation, scopes: delegation.scopes.map(expanded) },
          world.clock.nowMs(),
        ),
    ),
    mutation(
      'remove-delegation',
      'An administrator deletes the delegation.',
      z.strictObject(inOrganisation),
      (input) => {
        const organisation = organisationOf(input.organisation)
        organisation.getDelegation(input.clientId)
        organisation.delegations.delete(input.clientId)
      },
    ),
    mutation(
      'remove-delegation-scope',
      'An administrator takes one scope out of the delegation.',
      z.strictObject({ ...inOrganisation, scope: z.string() }),
      (input) => {
        const { scopes } = organisationOf(input.organisation).getDelegation(input.clientId)
        if (!scopes.delete(expanded(input.scope)))
          throw new ImpossibleChange(`scope: delegated are ${[...scopes].join(', ')}`)
      },
    ),
    mutation(
      'block-client',
      'An administrator blocks a client id under API controls; blocked: false lets it in again.',
      z.strictObject({
        clientId: z.string(),
        organisation: inOrganisation.organisation,
        blocked: z.boolean().default(true),
      }),
      ({ clientId, organisation, blocked }) => {
        const { blockedClientIds } = organisationOf(organisation)
        if (blocked) blockedClientIds.add(clientId)
        else blockedClientIds.delete(clientId)
      },
    ),
    mutation('suspend-user', 'An administrator suspends a person.', person, (input) => {
      world.getUser(input.email).suspended = true
    }),
    mutation('restore-user', 'An administrator restores a suspended or deleted person.', person, (input) => {
      Object.assign(world.getUser(input.email), { suspended: false, deletedAt: null })
    }),
    mutation('delete-user', 'An administrator deletes a person.', person, (input) => {
      world.getUser(input.email).deletedAt = world.clock.now()
    }),
    mutation(
      'rename-user',
      'An administrator changes the primary address; the old one stays as an alias.',
      z.strictObject({ email, to: email }),
      (input) => world.renameUser(world.getUser(input.email), input.to),
    ),
    mutation(
      'add-alias',
      'An administrator gives a person a further address.',
      z.strictObject({ email, alias: email }),
      (input) => world.addAlias(world.getUser(input.email), input.alias),
    ),
    mutation(
      'remove-alias',
      'An administrator takes an address away again; somebody else may get it.',
      z.strictObject({ email, alias: email }),
      (input) => world.removeAlias(world.getUser(input.email), input.alias),
    ),
    mutation(
      'create-user',
      'An administrator adds a person, also under the address of one who was deleted; the id is new.',
      userSeed.omit({ id: true }),
      (input) => {
        const { id } = world.createUser({ ...input, id: numericId() })
        return { id }
      },
    ),
    mutation('calendar-off', 'An administrator switches the Calendar service off for a person.', person, (input) => {
      world.getUser(input.email).calendar = false
    }),
    mutation('calendar-on', 'An administrator switches the Calendar service on for a person.', person, (input) => {
      world.getUser(input.email).calendar = true
    }),
    mutation(
      'set-admin',
      'A person becomes a super administrator, or ceases to be one with admin: false.',
      z.strictObject({ email, admin: z.boolean().default(true) }),
      (input) => {
        world.getUser(input.email).isAdmin = input.admin
      },
    ),
    mutation(
      'issue-server-auth-code',
      'A person signs in to an Android app; the code for the app’s server is in the answer.',
      z.strictObject({
        email,
        /** The server's, which is also the one that may exchange the code. */
        clientId: z.string().optional().describe('the first OAuth client when left out'),
        scopes: z.array(z.string()),
        forceRefreshToken: z.boolean().default(true).describe('the app’s forceCodeForRefreshToken'),
      }),
      (input) => {
        const client = world.oauthClients.get(input.clientId ?? [...world.oauthClients.keys()][0] ?? '')
        if (!client) throw new ImpossibleChange('clientId: there is no such OAuth client')
        const [user, scopes] = [world.getUser(input.email), new Set(input.scopes.map(expanded))]
        const first = world.consents.find(user, client.clientId) === null
        return {
          code: world.consents.issueCode({
            consent: world.consents.allow(user, client.clientId, scopes),
            clientId: client.clientId,
            redirectUri: '',
            scopes,
            nonce: null,
            codeChallenge: null,
            withRefreshToken: first || input.forceRefreshToken,
          }),
        }
      },
    ),
    mutation(
      'revoke-consent',
      'A person removes a client, or all of them, from the account page: their tokens end.',
      z.strictObject({ email, clientId: z.string().optional() }),
      (input) => {
        const consents = world.consents.ofUser(world.getUser(input.email))
        for (const consent of consents)
          consent.revoked ||= input.clientId === undefined || input.clientId === consent.clientId
      },
    ),
    mutation('disable-key', 'The operator disables a key of a service account.', keyName, setKeys(true)),
    mutation('enable-key', 'The operator enables a key of a service account.', keyName, setKeys(false)),
    mutation(
      'disable-service-account',
      'The operator disables a service account; disabled: false enables it again.',
      z.strictObject({ ...accountName, disabled: z.boolean().default(true) }),
      ({ serviceAccount, disabled }) => {
        world.getServiceAccount(serviceAccount).disabled = disabled
      },
    ),
    mutation(
      'delete-key',
      'The operator deletes a key of a service account; unlike a disabled one it does not come back.',
      z.strictObject({ ...accountName, keyId: z.string() }),
      ({ serviceAccount, keyId }) => {
        const { keys } = world.getServiceAccount(serviceAccount)
        const index = keys.findIndex(({ id }) => id === keyId)
        if (index < 0)
          throw new ImpossibleChange(`keyId: there are ${keys.map(({ id }) => id).join(', ') || 'no keys'}`)
        keys.splice(index, 1)
      },
    ),
    mutation(
      'set-token-creator',
      'The operator lets somebody sign for a service account, or no longer with may: false.',
      z.strictObject({ ...accountName, member: z.string(), may: z.boolean().default(true) }),
      ({ serviceAccount, member, may }) => {
        const { tokenCreators } = world.getServiceAccount(serviceAccount)
        if (may) tokenCreators.add(member)
        else tokenCreators.delete(member)
      },
    ),
    mutation(
      'delete-service-account',
      'The operator deletes a service account.',
      z.strictObject(accountName),
      ({ serviceAccount }) => void world.serviceAccounts.delete(world.getServiceAccount(serviceAccount).email),
    ),
    mutation(
      'create-key',
      'The operator creates a further key; the key file is in the answer, and nowhere else.',
      z.strictObject(accountName),
      ({ serviceAccount }) => createKey(world.getServiceAccount(serviceAccount)),
    ),
    mutation(
      'create-service-account',
      'Somebody creates a service account with one key; the key file is in the answer, and nowhere else.',
      z.strictObject({
        email: email.refine((value) => value.endsWith('.iam.gserviceaccount.com'), 'ends in .iam.gserviceaccount.com'),
      }),
      (input) => {
        if (world.serviceAccounts.has(input.email)) throw new ImpossibleChange(`email: ${input.email} is taken`)
        const account: ServiceAccount = {
          email: input.email,
          clientId: numericId(),
          disabled: false,
          keys: [],
          tokenCreators: new Set(),
        }
        world.serviceAccounts.set(account.email, account)
        return createKey(account)
      },
    ),
  ]
}
