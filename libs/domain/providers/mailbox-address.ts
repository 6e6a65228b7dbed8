/** Addresses are compared, and handed on, in lower case: both providers ignore case in them. */
export const normalised = (email: string) => email.trim().toLowerCase()

export const domainOf = (email: string) => normalised(email).slice(email.lastIndexOf('@') + 1)

export const sameAddress = (left: string | null | undefined, right: string | null | undefined) =>
  Boolean(left && right) && normalised(left!) === normalised(right!)
