import { z } from 'zod'
import { googleSeed } from '../google/seed.js'
import { microsoftSeed } from '../microsoft/seed.js'

/** A seed file: `npm run sandbox -- --seed file.json`. Each part is also what `POST /__sandbox/seed` takes there. */
export const sandboxSeed = z.strictObject({
  google: googleSeed.prefault({}),
  microsoft: microsoftSeed.prefault({}),
})

export type SandboxSeed = z.infer<typeof sandboxSeed>
