import { Injectable } from '@nestjs/common'
import { Database, type Em } from '#platform/database/database.js'
import { Signer } from '#platform/secrets/signer.js'
import { type Authenticity, checkStatement, readStatement, type SignedStatement } from './audit-archive.js'
import { type Month, monthAfter } from './audit-months.js'
import { BEFORE_ALL } from './canonical-form.js'

/** The row that the first one here follows. */
export interface Beginning {
  sequence: number
  hash: string
  /** Of the statement that says so. Nobody needs to say where a chain begins whose first row is here. */
  authenticity: Authenticity
}

export const AT_THE_FIRST: Beginning = { sequence: 0, hash: BEFORE_ALL, authenticity: 'genuine' }

export type Beginnings = ReadonlyMap<string, Beginning>

const COLUMNS = 'month::text as month, statement, signature'

/** What has left for an archive, and where the chains begin since. */
@Injectable()
export class AuditArchives {
  constructor(
    private readonly database: Database,
    private readonly signer: Signer,
  ) {}

  /** The oldest first, one at a time: each names every chain. */
  async *all(): AsyncGenerator<SignedStatement> {
    for (let after = '-infinity'; ; ) {
      const [next] = await this.database.read((em) =>
        em.execute<SignedStatement[]>(
          `select ${COLUMNS} from audit_archives where month > ? order by audit_archives.month limit 1`,
          [after],
        ),
      )
      if (!next) return
      yield next
      after = next.month
    }
  }

  async newest(em: Em): Promise<SignedStatement | null> {
    const [row] = await em.execute<SignedStatement[]>(
      `select ${COLUMNS} from audit_archives order by audit_archives.month desc limit 1`,
    )
    return row ?? null
  }

  /** Of every chain of which something has left; the others begin with their first row. */
  async beginnings(em?: Em): Promise<Beginnings> {
    const newest = em ? await this.newest(em) : await this.database.read((each) => this.newest(each))
    if (!newest) return new Map()
    const authenticity = checkStatement(this.signer, newest)
    // What cannot be read was not written by us, and says of no chain where it begins: each is then missed from its first row on.
    const chains = readStatement(newest.statement)?.chains ?? []
    return new Map(chains.map(({ client_id, sequence, hash }) => [client_id, { sequence, hash, authenticity }]))
  }

  /** The first day of what is here; null when everything is. */
  async completeFrom(): Promise<Month | null> {
    const [row] = await this.database.read((em) =>
      em.execute<[{ month: Month | null }]>('select max(month)::text as month from audit_archives'),
    )
    return row.month && monthAfter(row.month)
  }

  /** Signs with the newest key what an older one signed, so that the older one can be taken away. A forgery stays one. */
  async renewSignatures(): Promise<void> {
    for await (const archive of this.all()) {
      if (this.signer.isByNewestKey(archive.signature) || checkStatement(this.signer, archive) !== 'genuine') continue
      const values = [this.signer.sign(archive.statement), archive.month, archive.signature]
      await this.database.read((em) =>
        em.execute('update audit_archives set signature = ? where month = ? and signature = ?', values),
      )
    }
  }
}
