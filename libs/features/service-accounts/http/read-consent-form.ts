import type { FastifyRequest } from 'fastify'
import type { Form } from '#platform/http/parse-form.js'
import { parseForm } from '#platform/http/parse-form.js'
import { ConsentStop } from '../service-accounts.errors.js'

/** A form field that came exactly once; everything else is empty, which no form of ours accepts in a place that matters. */
export const field = (form: Form, name: string): string => {
  const value = form[name]
  return typeof value === 'string' ? value : ''
}

/** Fields of a form, with or without files. A file is its content, as text. @throws ConsentStop badRequest */
export async function readConsentForm(request: FastifyRequest): Promise<Form> {
  if (!request.isMultipart()) return (request.body ?? {}) as Form
  try {
    return await readParts(request)
  } catch (error) {
    // What is too large has a status; no boundary, or an end in the middle, is an error of the parser without any.
    if (typeof (error as { statusCode?: unknown }).statusCode === 'number') throw error
    throw new ConsentStop('badRequest', { detail: (error as Error).message })
  }
}

/** What is no text is handed on as base64. */
const BINARY_FILES = new Set(['pfx'])

async function readParts(request: FastifyRequest): Promise<Form> {
  const form = parseForm('')
  for await (const part of request.parts()) {
    const encoding = BINARY_FILES.has(part.fieldname) ? 'base64' : 'utf8'
    const value = part.type === 'file' ? (await part.toBuffer()).toString(encoding) : String(part.value ?? '')
    form[part.fieldname] = part.fieldname in form ? [] : value
  }
  return form
}
