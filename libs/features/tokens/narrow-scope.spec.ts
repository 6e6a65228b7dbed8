import type { Grant } from '#domain/grants/grant.entity.js'
import { narrowScope } from './narrow-scope.js'

const mailbox = (...scope: string[]) => ({ accountId: 'acc_1', scope }) as Grant
const serviceAccount = (...names: string[]) =>
  ({ accountId: null, scope: names.map((name) => `service_account/${name}`) }) as unknown as Grant

describe('the scope of a refresh', () => {
  it.each<[asked: string, grant: Grant, got: string[]]>([
    ['read_only', mailbox('read_only'), ['read_only']],
    ['free_busy', mailbox('read_only'), ['free_busy']],
    ['read_events delete_event', mailbox('read_write'), ['read_events', 'delete_event']],
    [' read_events  read_events ', mailbox('read_events', 'create_event'), ['read_events']],
    ['service_account/accounts/manage', serviceAccount('accounts/manage'), ['service_account/accounts/manage']],
    [
      'service_account/accounts/manage',
      serviceAccount('accounts/unrestricted_access'),
      ['service_account/accounts/manage'],
    ],
  ])('%s lies within', (asked, grant, got) => {
    expect(narrowScope(asked, grant)).toEqual(got)
  })

  it.each<[asked: string, grant: Grant]>([
    ['read_write', mailbox('read_only')],
    ['read_only create_event', mailbox('read_only')],
    ['read_only', mailbox('free_busy')],
    ['READ_ONLY', mailbox('read_only')],
    ['read_only,free_busy', mailbox('read_only')],
    ['read_only\tfree_busy', mailbox('read_only')],
    ['constructor', mailbox('read_only')],
    ['offline_access', mailbox('read_only')],
    [' ', mailbox('read_only')],
    ['service_account/accounts/manage', mailbox('read_only')],
    ['read_only', serviceAccount('accounts/manage')],
    ['service_account/resources/manage', serviceAccount('accounts/manage')],
    ['service_account/accounts/unrestricted_access', serviceAccount('accounts/manage')],
  ])('%s is wider, and refused', (asked, grant) => {
    expect(() => narrowScope(asked, grant)).toThrow(expect.objectContaining({ code: 'invalid_scope', status: 400 }))
  })
})
