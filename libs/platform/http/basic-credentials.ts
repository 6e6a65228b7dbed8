/** What a Basic header says; null where it cannot be read. */
export interface BasicCredentials {
  id: string | null
  secret: string | null
}

/**
 * RFC 7617, and RFC 6749 section 2.3.1: both halves are encoded as form values.
 * @returns null where the header is none, or of another scheme
 */
export function readBasic(authorization: string | undefined): BasicCredentials | null {
  const [basic, encoded = ''] = /^basic\b *(\S*)$/i.exec(authorization ?? '') ?? []
  if (basic === undefined) return null
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(/:(.*)/s)
  return { id: formDecoded(id), secret: formDecoded(secret) }
}

function formDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}
