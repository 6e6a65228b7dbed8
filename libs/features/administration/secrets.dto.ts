import { z } from 'zod'
import type { Rotation } from './rotate-secrets.js'
import type { rotationAnswer, secretsAnswer } from './secrets-answers.js'
import type { SecretsStatus } from './show-secrets.js'

export const rotationDto = z
  .strictObject({ data_keys: z.boolean({ error: 'must be true or false' }).default(false) })
  .transform(({ data_keys: newDataKeys }) => ({ newDataKeys }))

export const toRotationBody = ({
  masterKeyId,
  retired,
  rewrapped,
  resealed,
  deleted,
  unreadable,
  finished,
}: Rotation): z.infer<typeof rotationAnswer> => ({
  master_key: masterKeyId,
  finished,
  data_keys_retired: retired,
  data_keys_rewrapped: rewrapped,
  values_resealed: resealed,
  data_keys_deleted: deleted,
  unreadable,
})

export const toSecretsBody = (status: SecretsStatus): z.infer<typeof secretsAnswer> => ({
  master_keys: status.masterKeys.map(({ id, configured, dataKeys, values, signatures, removable }) => ({
    id,
    configured,
    data_keys: dataKeys,
    values,
    audit_signatures: signatures,
    removable,
  })),
  data_keys: { active: status.activeDataKeys, retired: status.retiredDataKeys },
  values_of_retired_data_keys: status.valuesOfRetired,
  rotation_pending: status.pending,
})
