import type { Query } from './api-caller.js'
import { badRequest, refusal } from './errors.js'
import { domainOf } from './google-world.js'
import type { Organisation, Room, User } from './organisation.js'

/** `my_customer` or the own id; everybody else's customer is closed. */
export function ofCustomer(own: Organisation, customer: string): Organisation {
  if (customer !== 'my_customer' && customer !== own.customerId) throw refusal('google.directory_admin_required')
  return own
}

export function usersFound(organisation: Organisation, query: Query): User[] {
  const { customer, domain, showDeleted, orderBy, sortOrder } = query
  if (customer === undefined && domain === undefined) throw badRequest()
  if (customer !== undefined) ofCustomer(organisation, customer)
  if (domain !== undefined && !organisation.domainNames.includes(domain)) throw refusal('google.not_found/domain')
  const found = organisation.users
    .filter(({ deletedAt }) => (deletedAt !== null) === (showDeleted === 'true'))
    .filter(({ email }) => domain === undefined || domainOf(email) === domain)
    .filter(asked(query.query))
  // Without `orderBy` Google promises no order; by address is as good as any.
  const key = ({ familyName, givenName, email }: User) =>
    orderBy === 'familyName' ? familyName : orderBy === 'givenName' ? givenName : email
  const ordered = found.sort((left, right) => (key(left) < key(right) ? -1 : 1))
  return sortOrder === 'DESCENDING' ? ordered.reverse() : ordered
}

const QUERY_FIELDS = {
  email: ['email'],
  isSuspended: ['suspended'],
  isArchived: ['archived'],
  isAdmin: ['isAdmin'],
  isDelegatedAdmin: ['isDelegatedAdmin'],
  givenName: ['givenName'],
  familyName: ['familyName'],
  orgUnitPath: ['orgUnitPath'],
  resourceEmail: ['email'],
  resourceId: ['resourceId'],
  resourceName: ['name'],
  name: ['name', 'givenName', 'familyName'],
  resourceCategory: ['category'],
  buildingId: ['buildingId'],
  capacity: ['capacity'],
} as const

/** `field=value`, `field:part`, `field:start*`, several joined by spaces or AND: the common part of Google's two query languages. */
export function asked(query: string | undefined): (item: User | Room) => boolean {
  const clauses = [...(query ?? '').matchAll(/(\w+)\s*([:=])\s*(?:"([^"]*)"|'([^']*)'|(\S+))/g)]
  if (query?.trim() && clauses.length === 0) throw badRequest('Invalid Input: query', 'invalid')
  const tests = clauses.map(([, field = '', operator, ...values]) => {
    if (!Object.hasOwn(QUERY_FIELDS, field)) throw badRequest('Invalid Input: query', 'invalid')
    const names: readonly string[] = QUERY_FIELDS[field as keyof typeof QUERY_FIELDS]
    const wanted = values.find((value) => value !== undefined)?.toLowerCase() ?? ''
    return (item: User | Room) =>
      names.some((name) => {
        const actual = String(item[name as keyof typeof item] ?? '').toLowerCase()
        if (operator === '=') return actual === wanted
        return wanted.endsWith('*') ? actual.startsWith(wanted.slice(0, -1)) : actual.includes(wanted)
      })
  })
  return (item) => tests.every((test) => test(item))
}
