import { z } from 'zod'
import { timeAnswer } from '#platform/http/openapi/answers.js'
import { nextCursorAnswer } from '#platform/paging/paging.dto.js'

// What `api-key.dto` writes, as `/openapi.json` promises it.

const scopes = z.array(z.string()).meta({ description: 'Such as `oauth-api:query:*`.' })

export const createdApiKeyAnswer = z.strictObject({
  key: z.string().meta({ description: 'For the header `x-api-key`. It is in this answer and never again.' }),
  id: z.string().meta({ description: 'Begins with `key_`; names the key, and opens nothing.' }),
  scopes,
})

export const apiKeyAnswer = z.strictObject({
  id: z.string(),
  client_id: z.string(),
  scopes,
  created_at: timeAnswer,
  expires_at: timeAnswer.nullable(),
  revoked_at: timeAnswer.nullable(),
  last_used_at: timeAnswer.nullable().meta({ description: 'To the minute.' }),
})

export const apiKeyPageAnswer = z.strictObject({
  keys: z.array(apiKeyAnswer),
  next_cursor: nextCursorAnswer,
})
