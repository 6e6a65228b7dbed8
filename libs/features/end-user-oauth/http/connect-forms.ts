import { z } from 'zod'
import { PROVIDER_NAMES } from '#domain/providers/provider.port.js'

/** What the page posts, for `/openapi.json`; the controller reads the fields one by one, and answers with pages. */
export const declineForm = z.object({
  csrf: z.string().meta({ description: 'From the page: good for one form of one visit.' }),
})

export const providerForm = declineForm.extend({ provider: z.enum(PROVIDER_NAMES) })

/** RFC 6749 section 4.1.1, RFC 7636 section 4.3; `individual-request` reads the raw query. */
export const authorizeQuery = z.object({
  response_type: z.literal('code'),
  client_id: z.string(),
  redirect_uri: z.string(),
  scope: z.string().meta({ description: 'Delegated scopes, such as `read_events create_event`.' }),
  state: z.string().optional(),
  code_challenge: z.string(),
  code_challenge_method: z.literal('S256'),
  provider_name: z
    .enum(['google', 'exchange'])
    .optional()
    .meta({ description: 'Skips the page on which the person picks one.' }),
  login_hint: z.string().optional().meta({ description: 'The address that has to come back.' }),
})
