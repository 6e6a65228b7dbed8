import pg from 'pg'
import { ConfigurationError } from '#platform/config/settings.js'
import type { MasterKeys } from './master-keys.js'
import { Secret } from './secret.js'
import { SecretsError } from './secrets.errors.js'

const CANARY = Buffer.from('mandate canary')

/**
 * Before anything is sealed or opened: every data key's master key is here, and each master key is the one that this
 * installation has known under its id. The first use of an id leaves a canary, a known value wrapped by that key, so a
 * wrong key is found at the next start and not by the first secret that does not open.
 * @param source where the keys came from, for the sentence
 * @throws ConfigurationError naming every key that is missing or wrong
 */
export async function checkMasterKeys(databaseUrl: Secret<string>, keys: MasterKeys, source: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl.reveal() })
  await client.connect()
  try {
    const problems = [...(await missing(client, keys)), ...(await wrong(client, keys))]
    if (problems.length > 0) throw new ConfigurationError(problems.map((problem) => `${source} ${problem}`))
    await leaveCanary(client, keys)
  } finally {
    await client.end()
  }
}

async function missing(client: pg.Client, keys: MasterKeys): Promise<string[]> {
  const { rows } = await client.query<{ id: string; wraps: number }>(
    `select master_key_id as id, count(*)::int as wraps from data_keys where not master_key_id = any($1) group by 1`,
    [[...keys.ids]],
  )
  return rows.map(
    ({ id, wraps }) =>
      `lacks the key "${id}", which wraps ${wraps} data key${wraps === 1 ? '' : 's'} of this database. Put "${id}:…" back, ` +
      'behind the first key; it may go once `mandate secrets status` says so',
  )
}

async function wrong(client: pg.Client, keys: MasterKeys): Promise<string[]> {
  const { rows } = await client.query<{ id: string; canary: string }>(
    'select id, canary from master_keys where id = any($1)',
    [[...keys.ids]],
  )
  const problems: string[] = []
  for (const { id, canary } of rows)
    if (!(await opens(keys, id, canary)))
      problems.push(
        `holds another key under the id "${id}" than this database was sealed with. Put the right one back, or give ` +
          'the new key an id of its own',
      )
  return problems
}

async function opens(keys: MasterKeys, id: string, canary: string): Promise<boolean> {
  try {
    const opened = await keys.unwrap({ masterKeyId: id, text: canary }, bindingOf(id))
    return opened.reveal().equals(CANARY)
  } catch (error) {
    if (error instanceof SecretsError) return false
    throw error
  }
}

/** Of the first alone, because only the first wraps. Two processes may start at once. */
async function leaveCanary(client: pg.Client, keys: MasterKeys): Promise<void> {
  const { text } = await keys.wrap(new Secret(CANARY), bindingOf(keys.first))
  await client.query(
    'insert into master_keys (id, canary, created_at) values ($1, $2, now()) on conflict (id) do nothing',
    [keys.first, text],
  )
}

const bindingOf = (id: string) => ['master_keys', 'canary', id]
