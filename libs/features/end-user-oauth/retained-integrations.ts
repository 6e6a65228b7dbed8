import { defineRetention, deleteRows } from '#platform/retention/retention-rule.js'

/** Once no sign-in is left that was begun for it. Its grant is of those that stay, which say what was authorised. */
export const DELETED_INTEGRATIONS = defineRetention(
  'deleted integrations',
  'expiredMs',
  deleteRows({
    ...{ table: 'integrations', key: 'id', order: 'deleted_at' },
    where: 'deleted_at < $1 and not exists (select from sign_ins where integration_id = integrations.id)',
  }),
)
