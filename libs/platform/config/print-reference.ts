import { readFile, writeFile } from 'node:fs/promises'
import { referencePage, withReferenceTable } from './reference.js'

/** From `dist/libs/platform/config`. */
const ROOT = new URL('../../../../', import.meta.url)
const README = new URL('README.md', ROOT)

await writeFile(new URL('docs/configuration.md', ROOT), referencePage())
await writeFile(README, withReferenceTable(await readFile(README, 'utf8')))
