import { z } from 'zod'

export const NOT_A_CURSOR = 'must be the next_cursor of an earlier page'

/** How many a page holds, unless it is asked for more or fewer. */
export const limitDto = (usual = 50, most = 100) =>
  z.coerce.number('must be a number').int().min(1).max(most).default(usual)

/** Of a list in the order of its ids, which begin with this prefix. */
export const idCursorDto = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-f]{24}$`), NOT_A_CURSOR)
    .optional()

export const nextCursorAnswer = z.string().nullable().meta({ description: 'Null on the last page.' })
