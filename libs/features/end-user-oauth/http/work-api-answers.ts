import { z } from 'zod'
import { WORK_API_USES } from '#domain/providers/user-scopes.js'
import { timeAnswer } from '#platform/http/openapi/answers.js'
import { requiredText, text } from '#platform/http/read-input.js'
import type { IntegrationProvider, MediaType } from '../dialects.js'
import { type FoundIntegration, INTEGRATION_STATUSES } from '../find-integrations.js'

// The dialect's own names, as its guide has them.

const PROVIDERS = Object.keys(WORK_API_USES) as IntegrationProvider[]
const MEDIA_TYPES = ['email', 'calendar', 'files', 'contacts'] as const satisfies MediaType[]

const oneOf = <T extends string>(values: readonly T[]) =>
  z.enum(values, {
    error: ({ input }) => (input === undefined ? 'required' : `must be one of ${values.join(', ')}`),
  })

export const integrationBody = z.strictObject({ provider: oneOf(PROVIDERS), media_type: oneOf(MEDIA_TYPES) })

export const authIntegrationQuery = z.strictObject({
  return_to: text(2000)
    .optional()
    .meta({
      description:
        "Where the person's browser ends: one of the client's registered redirect URIs. Left out: on a page of ours. If " +
        'nothing is connected, `error` and `error_description` are added.',
    }),
  redirect: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .optional()
    .meta({ description: '`true`: answered by 302 to the address, instead of naming it.' }),
})

export const serverCodeForm = z.strictObject({ code: requiredText(4096) })

export const integrationAnswer = z.strictObject({
  id: z.string().meta({ description: 'Begins with `int_`.' }),
  provider: z.enum(PROVIDERS),
  media_type: z.enum(MEDIA_TYPES),
  status: z.enum(INTEGRATION_STATUSES),
  email: z.string().nullable().meta({ description: 'Of the connected account.' }),
  created_at: timeAnswer,
  updated_at: timeAnswer,
})

export const integrationListAnswer = z.strictObject({ integrations: z.array(integrationAnswer) })

export const authIntegrationAnswer = z.strictObject({ uri: z.string() })

export const toIntegrationBody = (found: FoundIntegration): z.infer<typeof integrationAnswer> => ({
  ...{ id: found.id, provider: found.provider, media_type: found.mediaType, status: found.status, email: found.email },
  ...{ created_at: found.createdAt.toISOString(), updated_at: found.updatedAt.toISOString() },
})
