import { chmod, lstat, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { CryptoRandom, newBearer, newId } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { binariesFor, findBinaries, majorOf } from './embedded-binaries.js'
import { EmbeddedPostgresError } from './embedded-postgres.errors.js'
import { type PostgresTools, runPostgresTool } from './embedded-process.js'
import { chooseServerUser, giveTo, mayEnter, placeOfRoot, serverUserOf, weAreRoot } from './embedded-server-user.js'

export const SUPERUSER = 'mandate'

const random = new CryptoRandom()

/** One PostgreSQL data directory and all it takes to run it. */
export interface Cluster extends PostgresTools {
  /** What PostgreSQL keeps. Below `home`, or in root's place when the server's user cannot get there. */
  data: string
  password: Secret<string>
  /** Where it listened last; asked for again, so that whatever noted the URL stays right. */
  port: number | undefined
}

/** Creates `<data directory>/postgres` when there is none. Refuses a stranger's: we could not keep a password in it. */
export async function openHome(dataDirectory: string): Promise<string> {
  const mode = weAreRoot() ? 0o711 : 0o700 // the server's user passes through root's
  if (await mkdir(dataDirectory, { recursive: true })) await chmod(dataDirectory, mode)
  await mkdir(join(dataDirectory, 'postgres'), { recursive: true })
  const home = await realpath(join(dataDirectory, 'postgres')) // one name for it, however it was reached
  const { uid } = await lstat(home)
  if (process.getuid && uid !== process.getuid())
    throw new EmbeddedPostgresError(
      `${home} belongs to another user of this machine (number ${uid}).`,
      'Run Mandate as that user, or set MANDATE_DATA_DIR to a directory of your own.',
    )
  await chmod(home, mode)
  return home
}

/** The cluster that an earlier start made here, or undefined. */
export async function findCluster(home: string): Promise<Cluster | undefined> {
  const record = await readRecord(home)
  if (!record) return undefined
  const data = resolve(home, record.data)
  const major = await readFile(join(data, 'PG_VERSION'), 'utf8').catch((cause) => {
    throw new EmbeddedPostgresError(
      `${home} says that its database is in ${data}, and there is none.`,
      `Put it back, or remove ${home} to begin with an empty database.`,
      cause,
    )
  })
  const found = await findBinaries()
  if (major.trim() !== majorOf(found))
    throw new EmbeddedPostgresError(
      `The database in ${data} was written by PostgreSQL ${major.trim()}; this version of Mandate brings ${majorOf(found)}.`,
      `Dump it with the Mandate that wrote it and load it into a new directory, or move ${home} away to begin with an empty database.`,
    )
  const user = await serverUserOf(data)
  const binaries = await binariesFor(user, found)
  return { home, data, password: new Secret(record.password), port: record.port, binaries, user }
}

/** A new cluster. Until its record is written, at the very end, there is none: a start that is killed here is simply repeated. */
export async function createCluster(
  home: string,
  { log, unsafeWithoutFsync }: { log: (line: string) => void; unsafeWithoutFsync: boolean },
): Promise<Cluster> {
  const user = await chooseServerUser()
  const tools = { home, user, binaries: await binariesFor(user, await findBinaries()) }
  const password = new Secret(newBearer(random))
  const data = (await mayEnter(home, user)) ? join(home, 'data') : join(await placeOfRoot(), newId(random, 'data'))
  await refuseForgottenPassword(home, data)

  await removeUnfinished(home)
  const unfinished = newId(random, `${data}.unfinished`) // its own name: the initdb of a killed start may still be writing
  await mkdir(unfinished, { mode: 0o700 })
  await giveTo(user, unfinished)
  await initialise(tools, unfinished, password, unsafeWithoutFsync ? ['--no-sync'] : [])
  await rename(unfinished, data)

  const cluster = { ...tools, data, password, port: undefined }
  await rememberCluster(cluster)
  if (dirname(data) !== home) log(`Only root may enter ${home}, so PostgreSQL keeps its data in ${data}`)
  return cluster
}

async function initialise(tools: PostgresTools, folder: string, password: Secret, more: string[]): Promise<void> {
  const passwordFile = `${folder}.password`
  try {
    await writeFile(passwordFile, password.reveal(), { mode: 0o600 })
    await giveTo(tools.user, passwordFile)
    await runPostgresTool(tools, 'initdb', [
      ...['--pgdata', folder, '--username', SUPERUSER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
      // PostgreSQL's own collation: the same order on every machine, whatever locales it has.
      ...['--encoding', 'UTF8', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--locale', 'C'],
      ...more,
    ])
  } finally {
    await rm(passwordFile, { force: true })
  }
}

async function removeUnfinished(home: string): Promise<void> {
  const left = (await readdir(home)).filter((name) => name.startsWith('data.unfinished'))
  for (const name of left) await rm(join(home, name), { recursive: true, force: true, maxRetries: 3 })
}

async function refuseForgottenPassword(home: string, data: string): Promise<void> {
  const found = await stat(data).catch(() => undefined)
  if (found)
    throw new EmbeddedPostgresError(
      `${data} holds a database, and the password that belongs to it (${recordIn(home)}) is gone.`,
      `Put that file back, or move ${home} away to begin with an empty database.`,
    )
}

interface ClusterRecord {
  /** Relative to the home when it lies there, so that the whole directory can be moved. */
  data: string
  password: string
  port?: number
}

const recordIn = (home: string) => join(home, 'server.json')

async function readRecord(home: string): Promise<ClusterRecord | undefined> {
  try {
    return JSON.parse(await readFile(recordIn(home), 'utf8')) as ClusterRecord
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export async function rememberCluster({ home, data, password, port }: Cluster): Promise<void> {
  const where = dirname(data) === home ? basename(data) : data
  const record: ClusterRecord = { data: where, password: password.reveal(), port }
  const written = `${recordIn(home)}.new`
  await writeFile(written, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  await rename(written, recordIn(home))
}
