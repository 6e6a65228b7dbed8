import { once } from 'node:events'
import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { EmbeddedPostgres } from './embedded-postgres.js'
import { ask, EmbeddedPostgresBench } from './embedded-postgres-bench.js'

describe('the embedded PostgreSQL', () => {
  const bench = new EmbeddedPostgresBench()

  describe('on a new directory', () => {
    beforeEach(async () => {
      await bench.newDirectory()
    })

    it('keeps a random password to its owner and lets in nobody without it, over loopback only', async () => {
      const postgres = await bench.open()

      expect((await stat(join(bench.directory, 'postgres/server.json'))).mode & 0o777).toBe(0o600)
      expect((await stat(join(bench.directory, 'postgres/data'))).mode & 0o777).toBe(0o700)
      expect(String(postgres.url)).toBe('[secret]')
      const withoutPassword = new URL(postgres.url.reveal())
      expect(withoutPassword.password).toHaveLength(32)
      withoutPassword.password = 'guess'
      await expect(ask(withoutPassword.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
      expect(await ask(postgres.url.reveal(), 'select distinct auth_method from pg_hba_file_rules')).toEqual([
        { auth_method: 'scram-sha-256' },
      ])
      expect(await setting(postgres, 'listen_addresses')).toBe('127.0.0.1')
      expect(await setting(postgres, 'unix_socket_directories')).toBe('')

      // and has the database `mandate`, in UTF-8, in UTC, with the same order of letters on every machine
      expect(new URL(postgres.url.reveal()).pathname).toBe('/mandate')
      expect(await setting(postgres, 'server_encoding')).toBe('UTF8')
      expect(await setting(postgres, 'timezone')).toBe('UTC')
      const [row] = await ask(postgres.url.reveal(), `select upper('größe É') as upper, 'Z' < 'a' as by_code_point`)
      expect(row).toEqual({ upper: 'GRÖßE É', by_code_point: true })
    })

    it('is created once when two processes start at the same time', async () => {
      const [first, second] = [bench.startProcess(), bench.startProcess()]
      const ports = [await first.said('port'), await second.said('port')]

      expect(ports[0]).toBe(ports[1])
      const postgres = await bench.open()
      expect(bench.lines.at(-1)).toContain('already runs')
      expect(await ask(postgres.url.reveal(), `select 1 as one`)).toEqual([{ one: 1 }])
    })

    it('begins again where an earlier first start was killed', async () => {
      await mkdir(join(bench.directory, 'postgres/data.unfinished_1'), { recursive: true })
      await writeFile(join(bench.directory, 'postgres/data.unfinished_1/PG_VERSION'), '18\n')

      await bench.open()

      await expect(stat(join(bench.directory, 'postgres/data.unfinished_1'))).rejects.toMatchObject({ code: 'ENOENT' })
    })
  })

  describe('on a directory that has been used', () => {
    beforeAll(async () => {
      await bench.newDirectory()
      await bench.openAndStop()
    })

    it('still holds the data, and listens on the same port, also when the directory was moved', async () => {
      const before = await bench.open()
      await ask(before.url.reveal(), 'create table kept as select 42 as answer')
      await before.stop()
      const directory = bench.directory
      const moved = await bench.newDirectory()
      await rename(join(directory, 'postgres'), join(moved, 'postgres'))

      const after = await bench.open()
      expect(after.url.reveal()).toBe(before.url.reveal())
      expect(await ask(after.url.reveal(), 'select * from kept')).toEqual([{ answer: 42 }])
      await after.stop()

      await rename(join(moved, 'postgres'), join(directory, 'postgres'))
      bench.directory = directory
    })

    it('takes another port when a program has taken the old one, and says so', async () => {
      const before = await bench.open()
      await before.stop()
      const port = new URL(before.url.reveal()).port
      const stranger = createServer().listen(Number(port), '127.0.0.1')
      await once(stranger, 'listening')

      try {
        const after = await bench.open()
        expect(new URL(after.url.reveal()).port).not.toBe(port)
        expect(bench.lines.join()).toContain(`Port ${port} is taken`)
        expect(await ask(after.url.reveal(), 'select 1 as one')).toEqual([{ one: 1 }])
      } finally {
        stranger.close()
      }
    })

    it('starts although the pid file of a crash names a process that is now another program', async () => {
      const pidFile = [process.pid, join(bench.directory, 'postgres/data'), 1, 1, '', '127.0.0.1', '', 'ready'].join(
        '\n',
      )
      await writeFile(join(bench.directory, 'postgres/data/postmaster.pid'), `${pidFile}\n`)

      const postgres = await bench.open()

      expect(bench.lines.join()).toContain(`Process ${process.pid} is not our PostgreSQL`)
      expect(await ask(postgres.url.reveal(), 'select 1 as one')).toEqual([{ one: 1 }])
    })

    describe('that has come to harm', () => {
      const whole = () => join(bench.directory, 'postgres')
      const aside = () => join(bench.directory, 'aside')

      it('refuses a database of another major version', async () => {
        await writeFile(join(whole(), 'data/PG_VERSION'), '17\n')

        await expect(bench.open()).rejects.toThrow(
          /was written by PostgreSQL 17; this version of Mandate brings 18.*Dump it/s,
        )
        await writeFile(join(whole(), 'data/PG_VERSION'), '18\n')
      })

      it('refuses to begin anew when the password of an existing database is gone', async () => {
        await rename(join(whole(), 'server.json'), aside())

        await expect(bench.open()).rejects.toThrow(/the password that belongs to it .* is gone.*move .* away/s)
        await rename(aside(), join(whole(), 'server.json'))
      })

      it('refuses to begin anew when the database of an existing record is gone', async () => {
        await rename(join(whole(), 'data'), aside())

        await expect(bench.open()).rejects.toThrow(/says that its database is in .* and there is none/)
        await rename(aside(), join(whole(), 'data'))
      })

      it('reports what PostgreSQL complained about when it does not start', async () => {
        await writeFile(join(whole(), 'data/postgresql.auto.conf'), 'no_such_setting = 1\n')

        await expect(bench.open()).rejects.toThrow(/pg_ctl failed:.*no_such_setting/s)
        await writeFile(join(whole(), 'data/postgresql.auto.conf'), '')
      })

      it('has lost nothing by that', async () => {
        const postgres = await bench.open()

        expect(await ask(postgres.url.reveal(), 'select * from kept')).toEqual([{ answer: 42 }])
      })
    })
  })
})

async function setting(postgres: EmbeddedPostgres, name: string) {
  const [row] = await ask(postgres.url.reveal(), `select current_setting('${name}') as value`)
  return row.value
}
