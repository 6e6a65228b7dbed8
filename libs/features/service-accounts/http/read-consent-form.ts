import type { FastifyRequest } from 'fastify'
import { BrokerError } from '#platform/errors/broker-error.js'
import { type Form, parseForm } from '#platform/http/parse-form.js'
import { isUpload, readUpload } from '#platform/http/read-upload.js'
import { ConsentStop } from '../service-accounts.errors.js'

/** A form field that came exactly once; everything else is empty, which no form of ours accepts in a place that matters. */
export const field = (form: Form, name: string): string => {
  const value = form[name]
  return typeof value === 'string' ? value : ''
}

/** What is no text is handed on as base64. */
const BINARY_FILES = new Set(['pfx'])

/** Fields of a form, with or without files. A file is its content, as text. @throws ConsentStop badRequest, ApiError too_large */
export async function readConsentForm(request: FastifyRequest): Promise<Form> {
  if (!isUpload(request)) return (request.body ?? {}) as Form
  const form = parseForm('')
  for (const [name, value] of await uploadedIn(request)) form[name] = name in form ? [] : await textOf(name, value)
  return form
}

async function uploadedIn(request: FastifyRequest): Promise<FormData> {
  try {
    return await readUpload(request)
  } catch (error) {
    if (error instanceof BrokerError) throw error
    throw new ConsentStop('badRequest', { detail: (error as Error).message })
  }
}

async function textOf(name: string, value: string | File): Promise<string> {
  if (typeof value === 'string') return value
  return Buffer.from(await value.arrayBuffer()).toString(BINARY_FILES.has(name) ? 'base64' : 'utf8')
}
