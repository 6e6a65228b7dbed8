/** A form field that came once is a string. One that came more often stays a list, which no schema of ours accepts (RFC 6749 section 3.2). */
export type Form = Record<string, string | string[]>

export function parseForm(text: string): Form {
  // No prototype: a field may be called `__proto__`.
  const form: Form = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const before = form[name]
    if (before === undefined) form[name] = value
    // Not copied: a body has room for one field 65,000 times, and as many copies would keep everybody waiting for a minute.
    else if (Array.isArray(before)) before.push(value)
    else form[name] = [before, value]
  }
  return form
}
