/** Whether PostgreSQL can hold this text, or look for it: it refuses U+0000, and lone surrogates are not UTF-8. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()
