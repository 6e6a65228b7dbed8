import { chmod, chown, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { binariesFor } from './embedded-binaries.js'
import { openEmbeddedPostgres } from './embedded-postgres.js'
import { ask } from './embedded-postgres-bench.js'
import {
  chooseServerUser,
  mayEnter,
  PLACE_OF_ROOT,
  placeOfRoot,
  serverUserOf,
  weAreRoot,
} from './embedded-server-user.js'

/** PostgreSQL refuses root, so what root starts runs as somebody else. Nobody but root can try that out. */
const describeAsRoot = weAreRoot() ? describe : describe.skip

const SOMEBODY = { uid: 65_534, gid: 65_534 }

describeAsRoot('the embedded PostgreSQL of root', () => {
  let onlyRoot: string

  beforeEach(async () => {
    onlyRoot = await mkdtemp(join(tmpdir(), 'mandate-root-')) // with mode 700, like a home directory
  })
  afterEach(() => rm(onlyRoot, { recursive: true }))

  it('keeps its data where its user can reach it when only root may enter the data directory', async () => {
    const lines: string[] = []
    const options = { dataDirectory: onlyRoot, log: (line: string) => lines.push(line), unsafeWithoutFsync: true }
    const first = await openEmbeddedPostgres(options)
    const { data } = JSON.parse(await readFile(join(onlyRoot, 'postgres/server.json'), 'utf8'))
    try {
      expect(dirname(data)).toBe(PLACE_OF_ROOT)
      expect(lines[0]).toContain(`keeps its data in ${data}`)
      expect((await stat(data)).mode & 0o777).toBe(0o700)
      expect((await stat(data)).uid).not.toBe(0)
      await ask(first.url.reveal(), 'create table kept as select 42 as answer')
      await first.stop()

      const second = await openEmbeddedPostgres(options)
      expect(await ask(second.url.reveal(), 'select * from kept')).toEqual([{ answer: 42 }])
      await second.stop()
    } finally {
      await first.stop()
      await rm(data, { recursive: true })
    }
  })

  it('runs as `postgres` where there is one, else as `nobody`, and else says what to do', async () => {
    const passwd = join(onlyRoot, 'passwd')
    const [root, nobody, postgres] = [
      'root:x:0:0::/root:/bin/sh',
      'nobody:x:7:8::/:/bin/false',
      'postgres:x:5:6::/:/bin/sh',
    ]

    await writeFile(passwd, [root, nobody, postgres].join('\n'))
    expect(await chooseServerUser(passwd)).toEqual({ uid: 5, gid: 6 })
    await writeFile(passwd, [root, nobody].join('\n'))
    expect(await chooseServerUser(passwd)).toEqual({ uid: 7, gid: 8 })
    await writeFile(passwd, root)
    await expect(chooseServerUser(passwd)).rejects.toThrow('useradd --system postgres')
  })

  it('runs as the owner of an existing database, and refuses one that root owns', async () => {
    await chown(onlyRoot, 5, 6)
    expect(await serverUserOf(onlyRoot)).toEqual({ uid: 5, gid: 6 })

    await chown(onlyRoot, 0, 0)
    await expect(serverUserOf(onlyRoot)).rejects.toThrow(`chown -R nobody ${onlyRoot}`)
  })

  it('knows whether its user may enter a directory and all its parents', async () => {
    const inner = join(onlyRoot, 'inner')
    await mkdir(inner)

    expect(await mayEnter(inner, SOMEBODY)).toBe(false)
    await chmod(onlyRoot, 0o701)
    expect(await mayEnter(inner, SOMEBODY)).toBe(true)
    await chmod(inner, 0o770)
    expect(await mayEnter(inner, SOMEBODY)).toBe(false)
    await chown(inner, 0, SOMEBODY.gid)
    expect(await mayEnter(inner, SOMEBODY)).toBe(true)
  })

  it('copies the binaries, links and all, to where its user can run them and only root can change them', async () => {
    const native = join(onlyRoot, 'native')
    await mkdir(join(native, 'bin'), { recursive: true, mode: 0o700 })
    await writeFile(join(native, 'bin/pg_ctl'), 'first', { mode: 0o700 })
    await writeFile(join(native, 'libpq.so.5'), '', { mode: 0o600 })
    await symlink('libpq.so.5', join(native, 'libpq.so'))
    const place = await mkdtemp(join(tmpdir(), 'mandate-place-'))
    await chmod(place, 0o755)

    try {
      const found = { native, version: '18.0.0' }
      const copy = await binariesFor(SOMEBODY, found, place)
      expect(await mayEnter(join(copy.native, 'bin'), SOMEBODY)).toBe(true)
      expect((await stat(join(copy.native, 'bin/pg_ctl'))).mode & 0o777).toBe(0o755)
      expect((await stat(join(copy.native, 'libpq.so.5'))).mode & 0o777).toBe(0o644)
      expect(await readlink(join(copy.native, 'libpq.so'))).toBe('libpq.so.5')

      await writeFile(join(native, 'bin/pg_ctl'), 'second')
      expect(await binariesFor(SOMEBODY, found, place)).toEqual(copy)
      expect(await readFile(join(copy.native, 'bin/pg_ctl'), 'utf8')).toBe('first')
      await chmod(onlyRoot, 0o755)
      await chmod(native, 0o755)
      await chmod(join(native, 'bin'), 0o755)
      expect(await binariesFor(SOMEBODY, found, place)).toEqual(found)
    } finally {
      await rm(place, { recursive: true })
    }
  })

  it('trusts no place that somebody else could have prepared', async () => {
    const open = join(onlyRoot, 'open')
    await mkdir(open)
    await chmod(open, 0o777)
    await expect(placeOfRoot(open)).rejects.toThrow('cannot be trusted')

    const foreign = join(onlyRoot, 'foreign')
    await mkdir(foreign)
    await chown(foreign, SOMEBODY.uid, SOMEBODY.gid)
    await expect(placeOfRoot(foreign)).rejects.toThrow('cannot be trusted')

    const link = join(onlyRoot, 'link')
    await symlink(onlyRoot, link)
    await expect(placeOfRoot(link)).rejects.toThrow('cannot be trusted')

    expect(await placeOfRoot(join(onlyRoot, 'new'))).toBe(join(onlyRoot, 'new'))
  })
})
