import { setFlagsFromString } from 'node:v8'

/** Of what is alive, in per cent. */
const MOST_GARBAGE = 100

/**
 * On a machine with much memory V8 lets the old part of the heap grow to four times what was alive when it last collected.
 * A busy worker then takes half a gigabyte for the 70 MB that it needs, and looks as if it leaked. At twice as much it
 * collects a little more often, for about a hundredth of its time.
 *
 * A limit on the heap (`--max-old-space-size`) would say more than we mean: what needs more memory may have it.
 */
export const boundGarbage = (): void => setFlagsFromString(`--heap-growing-percent=${MOST_GARBAGE}`)
