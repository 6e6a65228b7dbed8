import { z } from 'zod'
import { ImpossibleChange, type Mutation, mutation } from '../core/mutation.js'
import type { MicrosoftWorld } from './microsoft-world.js'
import { clientCertificate, type Registration } from './registration.js'
import { mailboxState, registrationSeed, roleName, userSeed } from './seed.js'
import type { ServicePrincipal, Tenant } from './tenant.js'

const email = z.email().transform((value) => value.toLowerCase())
const person = z.strictObject({ email: email.describe('also a room’s') })
const app = { clientId: z.string().optional().describe('the first registration when left out') }
const appInTenant = {
  organisation: z.string().optional().describe('domain or tenant id; the first when left out'),
  ...app,
}
const { shape: secret } = registrationSeed.shape.secrets.unwrap().element

/** What administrators do at Microsoft, and the owner of an app registration, for tests and demonstrations. */
export function microsoftMutations(world: MicrosoftWorld): Mutation[] {
  const tenantOf = ({ organisation }: { organisation?: string | undefined }): Tenant => {
    const tenant = organisation === undefined ? world.tenants[0] : world.findTenant(organisation)
    if (tenant) return tenant
    const known = world.tenants.map(({ defaultDomain }) => defaultDomain).join(', ')
    throw new ImpossibleChange(`organisation: there is no ${organisation}; there are ${known}`)
  }
  const registrationOf = ({ clientId }: { clientId?: string | undefined }): Registration => {
    const registration = clientId === undefined ? world.registrations[0] : world.findRegistration(clientId)
    if (registration) return registration
    throw new ImpossibleChange(`clientId: there is no ${clientId}`)
  }
  const principalOf = (input: {
    organisation?: string | undefined
    clientId?: string | undefined
  }): ServicePrincipal => {
    const principal = tenantOf(input).principals.get(registrationOf(input).clientId)
    if (principal) return principal
    throw new ImpossibleChange(`organisation: the app is not installed in ${tenantOf(input).defaultDomain}`)
  }
  const mailboxOf = (address: string) => {
    const found = world.findMailbox(address)
    if (found) return found
    throw new ImpossibleChange(`email: nobody has the address ${address}`)
  }

  return [
    mutation(
      'grant-consent',
      'An administrator consents: to what the registration asks for, or to the permissions given.',
      z.strictObject({ ...appInTenant, permissions: z.array(z.string()).optional() }),
      (input) => {
        const { clientId, permissions } = registrationOf(input)
        world.grantConsent(tenantOf(input), clientId, input.permissions ?? permissions)
      },
    ),
    mutation(
      'revoke-consent',
      'An administrator deletes the enterprise application. Tokens already issued live on, unless tokensToo.',
      z.strictObject({ ...appInTenant, tokensToo: z.boolean().default(false) }),
      (input) => {
        principalOf(input)
        const [tenant, { clientId }] = [tenantOf(input), registrationOf(input)]
        tenant.principals.delete(clientId)
        if (input.tokensToo) world.tokens.forget(tenant.id, clientId)
      },
    ),
    mutation(
      'remove-permission',
      'An administrator takes one granted application permission away; tokens issued before still have it.',
      z.strictObject({ ...appInTenant, permission: z.string() }),
      (input) => {
        const { roles } = principalOf(input)
        if (!roles.delete(input.permission))
          throw new ImpossibleChange(`permission: granted are ${[...roles].join(', ')}`)
      },
    ),
    mutation(
      'disable-service-principal',
      'An administrator switches the enterprise application off; disabled: false switches it on.',
      z.strictObject({ ...appInTenant, disabled: z.boolean().default(true) }),
      (input) => {
        principalOf(input).enabled = !input.disabled
      },
    ),
    mutation(
      'block-by-policy',
      'A Conditional Access policy blocks all apps of an organisation; blocked: false ends that.',
      z.strictObject({ organisation: appInTenant.organisation, blocked: z.boolean().default(true) }),
      (input) => {
        tenantOf(input).blockedByPolicy = input.blocked
      },
    ),
    mutation(
      'revoke-sessions',
      'An administrator, or the person, ends all sessions: refresh tokens are no longer good, access tokens live on.',
      person,
      (input) => world.tokens.endSessions(mailboxOf(input.email).user.id),
    ),
    mutation(
      'punish-reuse',
      'A refresh token that is used twice ends its whole family; punish: false is as Microsoft does it.',
      z.strictObject({ punish: z.boolean().default(true) }),
      ({ punish }) => {
        world.tokens.punishReuse = punish
      },
    ),
    mutation('add-secret', 'The owner adds a client secret.', z.strictObject({ ...app, ...secret }), (input) => {
      const expiresAt = input.expiresAt ? Date.parse(input.expiresAt) : null
      registrationOf(input).secrets.push({ value: input.value, expiresAt })
    }),
    mutation('expire-secret', 'All client secrets of the app are past their date.', z.strictObject(app), (input) => {
      for (const one of registrationOf(input).secrets) one.expiresAt = world.clock.nowMs()
    }),
    mutation('remove-secret', 'The owner deletes all client secrets of the app.', z.strictObject(app), (input) => {
      registrationOf(input).secrets = []
    }),
    mutation(
      'add-certificate',
      'The owner uploads a certificate (PEM).',
      z.strictObject({ ...app, certificate: registrationSeed.shape.certificates.unwrap().element }),
      (input) => {
        registrationOf(input).certificates.push(clientCertificate(input.certificate))
      },
    ),
    mutation('remove-certificates', 'The owner deletes all certificates of the app.', z.strictObject(app), (input) => {
      registrationOf(input).certificates = []
    }),
    mutation(
      'suspend-user',
      'An administrator blocks sign-in. Apps still reach the mailbox, as in a real tenant.',
      person,
      (input) => {
        mailboxOf(input.email).user.accountEnabled = false
      },
    ),
    mutation('restore-user', 'An administrator lets a person sign in again.', person, (input) => {
      mailboxOf(input.email).user.accountEnabled = true
    }),
    mutation('delete-user', 'An administrator deletes a person or room.', person, (input) => {
      const { tenant, user } = mailboxOf(input.email)
      tenant.delete(user)
    }),
    mutation(
      'rename-user',
      'An administrator changes UPN and primary address; the old address stays as an alias of the mailbox.',
      z.strictObject({ email, to: email }),
      ({ email: from, to }) => {
        const { tenant, user } = mailboxOf(from)
        if (world.findMailbox(to)) throw new ImpossibleChange(`to: ${to} is taken`)
        if (world.findTenant(to.slice(to.indexOf('@') + 1)) !== tenant)
          throw new ImpossibleChange(`to: not a domain of ${tenant.defaultDomain}`)
        tenant.rename(user, to)
      },
    ),
    mutation(
      'remove-alias',
      'An administrator takes an address away again; somebody else may get it.',
      z.strictObject({ email, alias: email }),
      (input) => {
        const { tenant, user } = mailboxOf(input.email)
        if (!tenant.removeAlias(user, input.alias)) throw new ImpossibleChange(`alias: not one of ${input.email}`)
      },
    ),
    mutation(
      'create-user',
      'An administrator adds a person, also under the address of one who is gone; the object id is new.',
      userSeed.omit({ id: true }),
      (input) => {
        const tenant = tenantOf({ organisation: input.upn.slice(input.upn.indexOf('@') + 1) })
        if (tenant.findMailbox(input.upn)) throw new ImpossibleChange(`upn: ${input.upn} is taken`)
        return { id: tenant.create(input).id }
      },
    ),
    mutation(
      'set-mailbox',
      'The mailbox is there, gone, on premises, or deleted but kept.',
      z.strictObject({ email, mailbox: mailboxState }),
      (input) => {
        mailboxOf(input.email).user.mailbox = input.mailbox
      },
    ),
    mutation(
      'set-roles',
      'Administrator roles of a person, replacing the ones before.',
      z.strictObject({ email, roles: z.array(roleName) }),
      (input) => {
        mailboxOf(input.email).user.roles = input.roles
      },
    ),
    mutation(
      'exclude-mailbox',
      'An application access policy keeps the app out of a mailbox.',
      z.strictObject({ email, ...app }),
      (input) => {
        const { tenant, user } = mailboxOf(input.email)
        tenant.setReach(registrationOf(input).clientId, user, false)
      },
    ),
    mutation(
      'include-mailbox',
      'The application access policy lets the app into a mailbox again.',
      z.strictObject({ email, ...app }),
      (input) => {
        const { tenant, user } = mailboxOf(input.email)
        tenant.setReach(registrationOf(input).clientId, user, true)
      },
    ),
  ]
}
