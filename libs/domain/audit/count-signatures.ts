import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'

/** With which master keys the heads of the chains, and where they begin, are signed: one that has signed any cannot be taken away yet. */
@Injectable()
export class CountSignatures {
  constructor(private readonly database: Database) {}

  /** Key id to how many. */
  async count(): Promise<Map<string, number>> {
    const rows = await this.database.read((em) =>
      em.execute<{ key: string; heads: number }[]>(
        `select split_part(signature, '.', 2) as key, count(*)::int as heads
         from (select signature from audit_heads union all select signature from audit_archives) signed group by 1`,
      ),
    )
    return new Map(rows.map(({ key, heads }) => [key, heads]))
  }
}
