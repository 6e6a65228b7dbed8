import { accessSync, constants } from 'node:fs'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { parseEgressAllow } from '#platform/egress/egress-policy.js'
import { parseMasterKeys } from '#platform/secrets/parse-master-keys.js'

export interface Variable<T> {
  meaning: string
  /** As a person would read it; the schema holds the real one. */
  defaultText: string
  secret?: true
  schema: z.ZodType<T, string | undefined>
}

const optional = <T>(schema: z.ZodType<T, string>) => schema.optional().transform((value) => value ?? null)
const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .transform((text) => new URL(text))
/** Everything is served under one origin, and a client's own URLs begin with it: whatever stood behind it would be lost. */
const httpOrigin = httpUrl.refine(
  ({ origin, href }) => href === `${origin}/`,
  'must be an origin alone, without credentials, path, query or fragment, e.g. https://mandate.example.com',
)
const commaSeparated = (text: string) => text.split(',').map((item) => item.trim())
const flag = z
  .enum(['0', '1'], { error: 'must be 0 or 1' })
  .optional()
  .transform((value) => value === '1')
const wholeNumber = (from: number, to: number, byDefault: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/, `must be a whole number from ${from} to ${to}`)
    .transform(Number)
    .refine((n) => n >= from && n <= to, `must be from ${from} to ${to}`)
    .optional()
    .transform((value) => value ?? byDefault)
/** A list in one variable: each of its problems is an issue of its own. */
const listOf = <Parsed extends { problems: string[] }>(parse: (text: string) => Parsed) =>
  z.string().transform((text, context) => {
    const parsed = parse(text)
    for (const message of parsed.problems) context.addIssue({ code: 'custom', message })
    return parsed
  })

const variable = <T>(meaning: string, defaultText: string, schema: z.ZodType<T, string | undefined>): Variable<T> => ({
  meaning,
  defaultText,
  schema,
})
const secretVariable = <T>(meaning: string, defaultText: string, schema: z.ZodType<T, string | undefined>) => ({
  ...variable(meaning, defaultText, schema),
  secret: true as const,
})

/** As OpenTelemetry has them: W3C Baggage without properties, so that a value may be percent-encoded. */
function parseHeaders(text: string, context: z.RefinementCtx): Record<string, string> {
  const pairs = commaSeparated(text).map((pair) => /^([\w!#$%&'*+.^`|~-]+)=([\x21-\x7e][\x20-\x7e]*)$/.exec(pair))
  if (pairs.some((pair) => pair === null)) {
    context.addIssue({ code: 'custom', message: 'must be name=value, comma separated' })
    return z.NEVER
  }
  return Object.fromEntries(pairs.map((pair) => [pair![1], pair![2]]))
}

/** What a header can carry, and long enough that nobody guesses it. */
const ADMIN_KEY_RULE = 'must have at least 32 characters, all of them printable ASCII without spaces'

const isAddressOrCidr = (text: string) =>
  isIP(text.split('/')[0]!) !== 0 && (isIP(text) !== 0 || ipaddr.isValidCIDR(text))

const isRedisUrl = (text: string) => /^rediss?:$/.test(URL.parse(text)?.protocol ?? '')

function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** Every setting there is; `docs/configuration.md` is printed from this table. */
export const VARIABLES = {
  PORT: variable('Where the one origin listens.', '8080', wholeNumber(0, 65535, 8080)),
  HOST: variable('The address it listens on.', '127.0.0.1', z.string().min(1).default('127.0.0.1')),
  MANDATE_PUBLIC_URL: variable(
    'What the one origin is called outside; the OAuth issuer.',
    '`http://127.0.0.1:$PORT`',
    optional(httpOrigin),
  ),
  MANDATE_TRUSTED_PROXIES: variable(
    'Addresses and CIDRs of the proxies in front, comma separated: whose `X-Forwarded-For` says which address a caller has.',
    'none: the address that connects is the caller',
    z
      .string()
      .transform(commaSeparated)
      .refine((cidrs) => cidrs.every(isAddressOrCidr), 'must be IP addresses or CIDRs, e.g. 10.0.0.0/8')
      .optional()
      .transform((cidrs) => cidrs ?? []),
  ),
  MANDATE_DATA_DIR: variable(
    'Where the standalone process keeps its embedded PostgreSQL and its sealing key.',
    '`.mandate`',
    z.string().min(1).default('.mandate'),
  ),
  DATABASE_URL: secretVariable(
    'PostgreSQL. TLS as libpq has it: `?sslmode=verify-full&sslrootcert=/path/ca.pem`. May name a pooler in transaction mode.',
    'embedded PostgreSQL under `MANDATE_DATA_DIR` (standalone only)',
    optional(z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })),
  ),
  DATABASE_DIRECT_URL: secretVariable(
    'PostgreSQL past the pooler that `DATABASE_URL` names, for what needs a session of its own: the migration, and BullMQ where there is no Redis. When it is set, statements are sent without names.',
    'none: `DATABASE_URL` is PostgreSQL itself',
    optional(z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })),
  ),
  REDIS_URL: secretVariable(
    'Redis for the queues; `rediss://` with TLS. Several, comma separated, are nodes of a cluster, or sentinels.',
    'none: BullMQ on PostgreSQL',
    optional(
      z
        .string()
        .transform(commaSeparated)
        .refine((urls) => urls.every(isRedisUrl), 'must be redis:// or rediss:// URLs')
        .transform((urls) => urls.map((url) => new URL(url)))
        .refine(
          (urls) => new Set(urls.map(({ protocol }) => protocol)).size === 1,
          'must be all with TLS, or all without',
        ),
    ),
  ),
  REDIS_CLUSTER: variable('`1` where `REDIS_URL` names nodes of a Redis Cluster.', '0', flag),
  REDIS_SENTINEL: variable(
    'What the sentinels that `REDIS_URL` names call the primary. User and password in the URL are those of the primary.',
    'none: they are no sentinels',
    optional(z.string().regex(/^[\w.-]{1,64}$/, 'must be letters, digits, and . - _')),
  ),
  REDIS_SENTINEL_PASSWORD: secretVariable('Password of the sentinels.', 'none', optional(z.string().min(1))),
  REDIS_CA_FILE: variable(
    'Certificates, in PEM, of the authorities that may sign for a Redis with TLS.',
    'those that Node.js trusts',
    optional(z.string().refine(isReadableFile, 'names a file that cannot be read')),
  ),
  MANDATE_QUEUE_PREFIX: variable(
    "What the names of all keys in the queue's store begin with: installations that share one Redis need different ones.",
    '`mandate`',
    z
      .string()
      .regex(/^[\w{}.-]{1,64}$/, 'must be letters, digits, and . - _ { }, at most 64')
      .default('mandate'),
  ),
  MANDATE_ENCRYPTION_KEYS: secretVariable(
    'Master keys for secrets at rest: `id:base64,…`, 32 bytes each. The first one seals, all of them open.',
    'generated and kept in `MANDATE_DATA_DIR` (standalone only)',
    optional(listOf(parseMasterKeys).transform(({ keys }) => keys)),
  ),
  MANDATE_ENCRYPTION_KEYS_FILE: variable(
    'A file that holds them instead, one a line or separated by commas: for secrets that are mounted.',
    'none',
    optional(z.string().min(1)),
  ),
  MANDATE_ADMIN_KEY: secretVariable(
    'Key for `/admin/v1`, at least 32 characters. Several, comma separated, all open it: so a key is replaced without a gap.',
    'required outside standalone; without it `/admin/v1` is closed',
    z
      .string()
      .transform(commaSeparated)
      .refine((keys) => keys.every((key) => /^[\x21-\x7e]{32,}$/.test(key)), ADMIN_KEY_RULE)
      .optional()
      .transform((keys) => keys ?? []),
  ),
  MANDATE_EGRESS_ALLOW: variable(
    'CIDRs and hosts that callbacks may reach besides the public Internet, comma separated. Metadata addresses stay blocked.',
    'none',
    listOf(parseEgressAllow)
      .transform(({ rules }) => rules)
      .prefault(''),
  ),
  MANDATE_UNSAFE_HTTP_CALLBACKS: variable(
    '`1` lets callbacks go over plain http to any host that may be reached; otherwise only to loopback.',
    '0; refused in production',
    flag,
  ),
  MANDATE_CALLBACK_TIMEOUT_SECONDS: variable('How long one callback may take in all.', '15', wholeNumber(1, 60, 15)),
  MANDATE_PROVIDER_TIMEOUT_SECONDS: variable(
    'How long one call to Google or Microsoft may take.',
    '10',
    wholeNumber(1, 60, 10),
  ),
  MANDATE_PROVIDER_MINTS_PER_SECOND: variable(
    'How many tokens a second all processes together ask of a provider with one credential; fewer while it says that this is too many.',
    '2000',
    wholeNumber(1, 100_000, 2000),
  ),
  MANDATE_LIMIT_FAILED_CLIENTS: variable(
    'Wrong client secrets a minute from one address for one client, and ten times as many from one address in all. The next is answered with 429.',
    '600',
    wholeNumber(1, 999_999, 600),
  ),
  MANDATE_LIMIT_FAILED_ADMIN_KEYS: variable(
    'Wrong admin keys a minute from one address.',
    '300',
    wholeNumber(1, 999_999, 300),
  ),
  MANDATE_LIMIT_FAILED_API_KEYS: variable(
    'Wrong API keys a minute from one address.',
    '600',
    wholeNumber(1, 999_999, 600),
  ),
  MANDATE_LIMIT_AUTHORIZATIONS: variable(
    'Visits a minute that may begin on our pages, or end there with nothing allowed, from one address.',
    '120',
    wholeNumber(1, 999_999, 120),
  ),
  MANDATE_LIMIT_PROVIDER_TOKENS: variable(
    "The provider's own tokens a minute that a client is given of one mailbox, where it may be given any.",
    '60',
    wholeNumber(1, 999_999, 60),
  ),
  MANDATE_REFRESH_TOKEN_IDLE_DAYS: variable(
    'How long a refresh token that nobody uses stays good. Each use brings a new one.',
    '365',
    wholeNumber(1, 3650, 365),
  ),
  MANDATE_REFRESH_TOKEN_MAX_DAYS: variable(
    'How long after the grant its refresh tokens end, however much they are used; 0 for as long as the grant stands.',
    '0',
    wholeNumber(0, 3650, 0),
  ),
  MANDATE_KEEP_REQUESTS_DAYS: variable(
    'How long a request is kept after it has ended, with its attempts and codes, and an event. Until then it can be listed and redelivered, its Idempotency-Key finds it, and a second use of its code ends what the first one bought.',
    '90',
    wholeNumber(7, 3650, 90),
  ),
  MANDATE_KEEP_EXPIRED_DAYS: variable(
    'How long sign-ins, codes, tokens and rotated secrets of clients are kept after they have expired, and integrations after they were deleted.',
    '30',
    wholeNumber(1, 3650, 30),
  ),
  MANDATE_WORKER_CONCURRENCY: variable(
    'Jobs that one worker process runs at once, per queue.',
    '64',
    wholeNumber(1, 512, 64),
  ),
  MANDATE_WORKER_HEALTH_PORT: variable(
    'Where a worker process answers `/health/live` and `/health/ready`.',
    'none: it does not listen',
    wholeNumber(1, 65535, 0).transform((port) => port || null),
  ),
  MANDATE_OPERATOR_PORT: variable(
    'Where every process answers `/metrics`, for the operator alone: not on the public origin. Processes on one machine need different ones.',
    'none: no metrics',
    wholeNumber(1, 65535, 0).transform((port) => port || null),
  ),
  MANDATE_OPERATOR_HOST: variable('The address that port is on.', '127.0.0.1', z.string().min(1).default('127.0.0.1')),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable(
    'An OpenTelemetry collector that takes OTLP over HTTP: traces are sent to `/v1/traces` there.',
    'none: no traces',
    optional(httpUrl),
  ),
  OTEL_EXPORTER_OTLP_HEADERS: secretVariable(
    'Headers for the collector: `name=value`, comma separated.',
    'none',
    optional(z.string().transform(parseHeaders)),
  ),
  OTEL_SERVICE_NAME: variable('What traces call this process.', '`mandate`', z.string().min(1).default('mandate')),
  OTEL_TRACES_SAMPLER_ARG: variable(
    'The part of all traces that is sent, from 0 to 1.',
    '1',
    z
      .string()
      .regex(/^(0|1|0?\.\d{1,6}|1\.0+)$/, 'must be a number from 0 to 1')
      .transform(Number)
      .prefault('1'),
  ),
  MANDATE_SANDBOX_GOOGLE_URL: variable('Stand-in for Google.', 'none', optional(httpUrl)),
  MANDATE_SANDBOX_MICROSOFT_URL: variable('Stand-in for Microsoft and Graph.', 'none', optional(httpUrl)),
  MANDATE_UNSAFE_SANDBOX: variable('`1` lets the stand-ins be used in production.', '0', flag),
  MANDATE_LOG_LEVEL: variable(
    'What is logged: `debug`, `info`, `warn`, `error` or `silent`.',
    'info',
    z
      .enum(['debug', 'info', 'warn', 'error', 'silent'], { error: 'must be debug, info, warn, error or silent' })
      .default('info'),
  ),
  MANDATE_FAIL_POINT: variable(
    'For tests of crashes: the process kills itself when it comes by this point (`name`, or `name:n` for the n-th time).',
    'none; refused in production',
    optional(z.string().regex(/^[a-z-]+\.[a-z-]+(:[1-9]\d{0,5})?$/, 'must be the name of a fail-point, or name:n')),
  ),
  NODE_ENV: variable(
    '`production` refuses the stand-ins and plain http for callbacks.',
    'none',
    z.string().default(''),
  ),
} as const satisfies Record<string, Variable<unknown>>

export type VariableName = keyof typeof VARIABLES
export type VariableValues = { [Name in VariableName]: z.output<(typeof VARIABLES)[Name]['schema']> }
