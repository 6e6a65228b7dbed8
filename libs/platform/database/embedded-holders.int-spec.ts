import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '#platform/testing/until.js'
import { findCluster } from './embedded-cluster.js'
import { ask, EmbeddedPostgresBench } from './embedded-postgres-bench.js'
import { startServer } from './embedded-server.js'

describe('the embedded PostgreSQL of several processes', () => {
  const bench = new EmbeddedPostgresBench()

  beforeAll(async () => {
    await bench.newDirectory()
    await bench.openAndStop()
  })

  it('stays for the others when the one that started it stops, and goes with the last one', async () => {
    const starter = await bench.open()
    const other = bench.startProcess()
    await other.said('port')
    const server = await bench.server()

    await starter.stop()
    expect(await bench.server()).toEqual(server)
    other.end()
    await other.said('stopped')

    expect(await bench.server()).toBeUndefined()
  })

  it('stops once, however often it is told to', async () => {
    const postgres = await bench.open()

    await Promise.all([postgres.stop(), postgres.stop()])
    await postgres.stop()

    expect(await bench.server()).toBeUndefined()
  })

  it('is ended by its watchdog when the process that started it was killed', async () => {
    const starter = bench.startProcess()
    await starter.said('port')

    starter.process.kill('SIGKILL')

    await until('the server to end', async () => !(await bench.server()))
  })

  it('stays for the others when the process that started it is killed', async () => {
    const starter = bench.startProcess()
    await starter.said('port')
    const server = await bench.server()
    const other = await bench.open()

    starter.process.kill('SIGKILL')
    await until('the watchdog to leave for it', async () => {
      const holders = await readdir(join(bench.directory, 'postgres/data/mandate-holders'))
      return holders.length === 1
    })

    expect(await bench.server()).toEqual(server)
    expect(await ask(other.url.reveal(), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('is started again, or found again, right after the process that started it was killed', async () => {
    const starter = bench.startProcess()
    await starter.said('port')
    starter.process.kill('SIGKILL')

    const postgres = await bench.open()

    expect(await ask(postgres.url.reveal(), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('is adopted, and stopped in the end, when its process and its watchdog were killed together', async () => {
    const cluster = await findCluster(join(bench.directory, 'postgres'))
    const orphan = await startServer(cluster!, { log: () => {}, unsafeWithoutFsync: true })
    const noProcess = 2 ** 30
    await mkdir(join(bench.directory, 'postgres/data/mandate-holders'))
    await writeFile(join(bench.directory, 'postgres/data/mandate-holders', `${noProcess}-killed`), '')

    const postgres = await bench.open()
    expect(bench.lines.at(-1)).toContain(`already runs on 127.0.0.1:${orphan.port}`)
    await postgres.stop()

    expect(await bench.server()).toBeUndefined()
  })

  it('survives the Ctrl-C of a terminal until its process has finished with it', async () => {
    const starter = bench.startProcess()
    await starter.said('port')

    process.kill(-starter.process.pid!, 'SIGINT') // the whole foreground group, as a terminal does

    expect(await starter.said('answer after SIGINT')).toBe('1')
    await starter.said('stopped')
    expect(await bench.server()).toBeUndefined()
  })
})
