/** A form field that came once is a string. One that came more often stays a list, which no schema of ours accepts (RFC 6749 section 3.2). */
export type Form = Record<string, string | string[]>

export function parseForm(text: string): Form {
  // No prototype: a field may be called `__proto__`.
  const form: Form = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const before = form[name]
    form[name] = before === undefined ? value : [...[before].flat(), value]
  }
  return form
}
