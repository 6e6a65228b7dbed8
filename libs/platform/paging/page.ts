/** A part of a list. */
export interface Page<Row> {
  rows: Row[]
  /** Where the next page goes on; null on the last one. */
  nextCursor: string | null
}

/** @param found one more than the limit, where there are more */
export function pageOf<Row>(found: readonly Row[], limit: number, cursorOf: (last: Row) => string): Page<Row> {
  const rows = found.slice(0, limit)
  return { rows, nextCursor: found.length > limit ? cursorOf(rows.at(-1)!) : null }
}

export const pageById = <Row extends { id: string }>(found: readonly Row[], limit: number): Page<Row> =>
  pageOf(found, limit, ({ id }) => id)

/** In a list that begins with the newest. Said twice, because only the first half bounds the index. */
export const olderThan = ({ createdAt, id }: { createdAt: Date; id: string }) => ({
  createdAt: { $lte: createdAt },
  $or: [{ createdAt: { $lt: createdAt } }, { createdAt, id: { $lt: id } }],
})
