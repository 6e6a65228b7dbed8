import { chmod, chown, lstat, mkdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EmbeddedPostgresError } from './embedded-postgres.errors.js'

/** Whom the server's processes run as. PostgreSQL refuses root, because whoever breaks into it would be root. */
export interface ServerUser {
  uid: number
  gid: number
}

/** Where root keeps what the server's user must reach and cannot where it is. Its parent is root's, so nobody else plants anything. */
export const PLACE_OF_ROOT = '/var/lib/mandate'

export const weAreRoot = () => process.getuid?.() === 0

/**
 * Root's choice of an unprivileged account; undefined for everybody else: the server runs as ourselves.
 * It must be one that the machine knows, because initdb looks its name up. Accepted: under `nobody`, other programs
 * that run as `nobody` can read the data. A machine where that matters has a `postgres` user, or no root starting us.
 */
export async function chooseServerUser(passwdFile = '/etc/passwd'): Promise<ServerUser | undefined> {
  if (!weAreRoot()) return undefined
  const accounts = (await readFile(passwdFile, 'utf8')).split('\n').map((line) => line.split(':'))
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(([name]) => name === wanted) ?? []
    if (uid && gid && Number(uid) !== 0) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new EmbeddedPostgresError(
    'PostgreSQL refuses to run as root, and this machine has neither a "postgres" nor a "nobody" user to run it as.',
    'Create one (`useradd --system postgres`), or start Mandate as an ordinary user.',
  )
}

/** The owner of an existing cluster stays whom it runs as, even when root would choose another today. */
export async function serverUserOf(data: string): Promise<ServerUser | undefined> {
  const { uid, gid } = await stat(data)
  if (weAreRoot() && uid === 0)
    throw new EmbeddedPostgresError(
      `The database in ${data} belongs to root, and PostgreSQL refuses to run as root (was it copied?).`,
      `Give it to another user: \`chown -R nobody ${data}\`.`,
    )
  return weAreRoot() ? { uid, gid } : undefined
}

/** Files that the server's user needs for its own. Nothing to do where the server runs as ourselves. */
export async function giveTo(user: ServerUser | undefined, path: string): Promise<void> {
  if (user)
    await chown(path, user.uid, user.gid).catch((cause) => Promise.reject(explainNoSwitch(user, cause) ?? cause))
}

/** Containers can hold a root that may not become anybody else (capabilities dropped, a user namespace of one). */
export function explainNoSwitch(user: ServerUser | undefined, cause: NodeJS.ErrnoException) {
  if (!user || (cause.code !== 'EPERM' && cause.code !== 'EINVAL')) return undefined
  return new EmbeddedPostgresError(
    `PostgreSQL refuses to run as root, and this root may not run it as another user (number ${user.uid}).`,
    'Start Mandate as an ordinary user.',
    cause,
  )
}

/** Whether this user may enter the directory and all its parents. Reads mode bits only: an access list can say otherwise, and then starting the server does. */
export async function mayEnter(directory: string, user: ServerUser | undefined): Promise<boolean> {
  if (!user) return true
  for (let at = await realpath(directory); ; at = dirname(at)) {
    const { mode, uid, gid } = await stat(at)
    const searchable = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & searchable) === 0) return false
    if (at === dirname(at)) return true
  }
}

/** Creates root's place, or makes sure that the one there is root's alone to write. */
export async function placeOfRoot(place = PLACE_OF_ROOT): Promise<string> {
  if (await mkdir(place, { recursive: true })) await chmod(place, 0o755)
  const { uid, mode } = await lstat(place)
  if (uid !== 0 || (mode & 0o170022) !== 0o040000)
    throw new EmbeddedPostgresError(
      `${place} is not a directory that only root may write, so what lies there cannot be trusted.`,
      'Move it away, or set MANDATE_DATA_DIR to a directory whose parents everybody may enter.',
    )
  return place
}
