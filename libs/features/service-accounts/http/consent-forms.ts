import { z } from 'zod'

/**
 * What the pages post, for `/openapi.json`. The controllers read fields one by one: a form that is wrong is answered
 * with a page about it, field by field.
 */
const page = { csrf: z.string().meta({ description: 'From the page: good for one form of one visit.' }) }

export const answerForm = z.object(page)

export const providerForm = z.object({
  ...page,
  way: z.enum(['google:operator', 'google:customer', 'microsoft:operator', 'microsoft:customer']),
})

export const mailboxForm = z.object({ ...page, mailbox: z.string() })

export const credentialForm = z.object({
  ...page,
  mailbox: z.string(),
  key_file: z.string().optional(),
  key_text: z.string().optional(),
  tenant: z.string().optional(),
  client_id: z.string().optional(),
  proof: z.enum(['secret', 'certificate']).optional(),
  client_secret: z.string().optional(),
  secret_expires_on: z.iso.date().optional(),
  certificate: z.string().optional(),
  private_key: z.string().optional(),
})

/** RFC 6749 section 4.1.1, RFC 7636 section 4.3; `authorization-request` reads the raw query. */
export const authorizeQuery = z.object({
  response_type: z.literal('code'),
  client_id: z.string(),
  redirect_uri: z.string(),
  scope: z.string(),
  delegated_scope: z.string(),
  state: z.string().optional(),
  code_challenge: z.string().optional(),
  code_challenge_method: z.literal('S256').optional(),
})

/** RFC 6749 section 4.1.2, as the provider sends it. */
export const returnQuery = z.object({
  state: z.string(),
  code: z.string().optional(),
  error: z.string().optional(),
  error_description: z.string().optional(),
})
