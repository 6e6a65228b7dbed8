import { z } from 'zod'

// What `secrets.dto` writes, as `/openapi.json` promises it.

export const secretsAnswer = z.object({
  master_keys: z.array(
    z.strictObject({
      id: z.string(),
      configured: z
        .enum(['first', 'older', 'missing'])
        .meta({ description: 'Whether the process that answers has it; the first one wraps.' }),
      data_keys: z.number(),
      values: z.number().meta({ description: 'How many values those data keys seal.' }),
      audit_signatures: z.number(),
      removable: z.boolean().meta({ description: 'Whether nothing needs it any more.' }),
    }),
  ),
  data_keys: z.strictObject({ active: z.number(), retired: z.number() }),
  values_of_retired_data_keys: z.number(),
  rotation_pending: z.boolean(),
})

export const rotationAnswer = z.object({
  master_key: z.string(),
  finished: z.boolean(),
  data_keys_retired: z.number(),
  data_keys_rewrapped: z.number(),
  values_resealed: z.number(),
  data_keys_deleted: z.number(),
  unreadable: z
    .array(z.string())
    .meta({ description: 'Table, column and row of what does not open, and stays as it is.' }),
})
