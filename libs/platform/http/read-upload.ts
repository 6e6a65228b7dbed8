import type { FastifyRequest } from 'fastify'
import { within } from './bodies-to-pass-on.js'

/** A key file has 2.4 KB and a certificate with its key less than 10. */
const UPLOAD_LIMIT = 64 * 1024

export const isUpload = ({ headers }: FastifyRequest) => /^multipart\/form-data\b/i.test(headers['content-type'] ?? '')

/** A form with files. @throws ApiError too_large; TypeError where it cannot be read */
export async function readUpload({ raw, headers }: FastifyRequest): Promise<FormData> {
  try {
    const chunks = await Array.fromAsync(within(UPLOAD_LIMIT, raw.iterator({ destroyOnReturn: false })))
    const form = new Response(Buffer.concat(chunks), { headers: { 'content-type': headers['content-type'] ?? '' } })
    return await form.formData()
  } finally {
    // Whoever sends more than is read hears the answer only where the rest is taken, too.
    raw.resume()
  }
}
