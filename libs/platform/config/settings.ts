import { readFileSync } from 'node:fs'
import { url as inspectorUrl } from 'node:inspector'
import { resolve } from 'node:path'
import { days } from '#platform/clock/clock.js'
import type { EgressRule } from '#platform/egress/egress-policy.js'
import { type MasterKeyList, parseMasterKeys } from '#platform/secrets/parse-master-keys.js'
import { Secret } from '#platform/secrets/secret.js'
import { VARIABLES, type VariableName, type VariableValues } from './variables.js'

/** `standalone`: everything in one process over what it brings itself. `service`: one of several processes over real stores. */
export type RunMode = 'standalone' | 'service'

export interface HttpSettings {
  host: string
  port: number
  publicUrl: URL
  /** Addresses and CIDRs whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[]
}

export interface StoreSettings {
  /** Null: embedded PostgreSQL under `dataDirectory`. */
  databaseUrl: Secret<string> | null
  /** Past a pooler, for what needs a session of its own: the migration, and BullMQ on PostgreSQL. Null: the same. */
  directDatabaseUrl: Secret<string> | null
  /** Null: BullMQ on PostgreSQL. */
  redis: RedisSettings | null
  queuePrefix: string
  dataDirectory: string
}

export interface RedisSettings {
  /** One Redis, or some nodes of a cluster, or sentinels. User, password and TLS are those of the first. */
  urls: Secret<readonly URL[]>
  cluster: boolean
  /** What the sentinels call the primary; null: they are no sentinels. */
  sentinel: string | null
  sentinelPassword: Secret<string> | null
  /** Certificates of the authorities that are trusted, in PEM; null: those that Node.js knows. */
  ca: string | null
}

export interface SealingSettings {
  /** The first one wraps. Null: generated and kept under `dataDirectory`. */
  masterKeys: MasterKeyList | null
  /** The variable that gave them. */
  masterKeysFrom: VariableName | null
  dataDirectory: string
}

export interface CallbackSettings {
  totalTimeoutMs: number
  egressAllow: readonly EgressRule[]
  unsafeAllowHttp: boolean
}

export interface ProviderSettings {
  /** Null: the real one. */
  googleSandboxUrl: URL | null
  microsoftSandboxUrl: URL | null
  /** For one call, from connecting to the last byte; streamed reads may take that long between two bytes. */
  timeoutMs: number
  /** At most, with one credential, by all processes together. */
  mintsPerSecond: number
}

export interface RefreshTokenSettings {
  /** An unused one ends after so long. */
  idleLifeMs: number
  /** Counted from the grant; null: as long as the grant stands. */
  longestLifeMs: number | null
}

/** How long what is of no more use is kept. The audit is kept for ever. */
export interface RetentionSettings {
  /** Requests that have ended, with their attempts and codes; events. Counted from the end. */
  requestsMs: number
  /** Consents, sign-ins, codes and access tokens, counted from when they expired. */
  expiredMs: number
  /** Refresh tokens, counted from when they were made: as long as one may lie unused, and then as `expiredMs`. */
  refreshTokensMs: number
}

export interface TracingSettings {
  /** Null: no traces. */
  endpoint: URL | null
  headers: Secret<Record<string, string>> | null
  serviceName: string
  /** Of the traces that begin here, from 0 to 1. */
  ratio: number
}

interface OperatorSettings {
  host: string
  /** Null: no metrics. */
  port: number | null
}

/** So many a minute. */
export interface RateLimitSettings {
  failedClients: number
  failedAdminKeys: number
  failedApiKeys: number
  authorizations: number
  providerTokens: number
}

export interface Settings {
  http: HttpSettings
  stores: StoreSettings
  sealing: SealingSettings
  callbacks: CallbackSettings
  providers: ProviderSettings
  refreshTokens: RefreshTokenSettings
  rateLimits: RateLimitSettings
  worker: { concurrency: number; healthPort: number | null }
  operator: OperatorSettings
  tracing: TracingSettings
  retention: RetentionSettings
  /** Empty: nobody is let in. */
  adminKeys: readonly Secret<string>[]
  logLevel: VariableValues['MANDATE_LOG_LEVEL']
  /** Null: it lives. */
  failPoint: string | null
}

/** All problems at once, by variable name and rule, never by value. */
export class ConfigurationError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.name = 'ConfigurationError'
  }
}

/**
 * Reads the whole configuration once, at the top of each `main.ts`.
 * @throws ConfigurationError
 */
export function loadSettings(mode: RunMode, environment: NodeJS.ProcessEnv = process.env): Settings {
  const { values, problems } = parseVariables(environment)
  const fromFile = readKeyFile(values.MANDATE_ENCRYPTION_KEYS_FILE ?? null)
  problems.push(...fromFile.problems, ...refusals(mode, values, environment))
  if (problems.length > 0) throw new ConfigurationError(problems)
  return settingsOf(values as VariableValues, fromFile.keys)
}

/** Whoever starts a program hands on the environment, and no child of ours needs a secret of it. Call it once all is loaded. */
export function forgetSecrets(environment: NodeJS.ProcessEnv = process.env): void {
  for (const name of Object.keys(VARIABLES) as VariableName[]) if ('secret' in VARIABLES[name]) delete environment[name]
}

/** A variable with a problem has no value here. */
type Usable = Partial<VariableValues>

function parseVariables(environment: NodeJS.ProcessEnv) {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(VARIABLES) as VariableName[]) {
    const parsed = VARIABLES[name].schema.safeParse(given(environment, name))
    if (parsed.success) values[name] = parsed.data
    else problems.push(...parsed.error.issues.map(({ message }) => `${name} ${message}`))
  }
  return { values: values as Usable, problems }
}

/** An empty variable is an unset one: that is what `FOO= npm start` and compose files mean by it. */
const given = (environment: NodeJS.ProcessEnv, name: VariableName) => environment[name] || undefined

/** For secrets that are mounted as files; read here, so that what is wrong with it is said together with all the rest. */
function readKeyFile(path: string | null): { keys: MasterKeyList | null; problems: string[] } {
  if (path === null) return { keys: null, problems: [] }
  try {
    const { keys, problems } = parseMasterKeys(readFileSync(path, 'utf8'))
    return { keys, problems: problems.map((problem) => `MANDATE_ENCRYPTION_KEYS_FILE ${problem}`) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { keys: null, problems: [`MANDATE_ENCRYPTION_KEYS_FILE names a file that cannot be read (${code})`] }
  }
}

function refusals(mode: RunMode, values: Usable, environment: NodeJS.ProcessEnv): string[] {
  const problems: string[] = []
  const isGiven = (name: VariableName) => given(environment, name) !== undefined
  if (isGiven('MANDATE_ENCRYPTION_KEYS') && isGiven('MANDATE_ENCRYPTION_KEYS_FILE'))
    problems.push('MANDATE_ENCRYPTION_KEYS and MANDATE_ENCRYPTION_KEYS_FILE are both set: keep one of them')
  if (values.REDIS_CLUSTER && values.REDIS_SENTINEL)
    problems.push('REDIS_CLUSTER and REDIS_SENTINEL are both set: keep one of them')
  if ((values.REDIS_URL?.length ?? 0) > 1 && !values.REDIS_CLUSTER && !values.REDIS_SENTINEL)
    problems.push('REDIS_URL names several, which needs REDIS_CLUSTER=1 or REDIS_SENTINEL')
  if (isGiven('DATABASE_DIRECT_URL') && !isGiven('DATABASE_URL'))
    problems.push('DATABASE_DIRECT_URL is the way past the pooler that DATABASE_URL names: set both')
  if (mode === 'service') {
    if (!isGiven('DATABASE_URL'))
      problems.push('DATABASE_URL is required: the api and worker processes share one PostgreSQL')
    if (!isGiven('MANDATE_ENCRYPTION_KEYS') && !isGiven('MANDATE_ENCRYPTION_KEYS_FILE'))
      problems.push(
        'MANDATE_ENCRYPTION_KEYS (or MANDATE_ENCRYPTION_KEYS_FILE) is required, ' +
          'e.g. "k1:" followed by the output of `openssl rand -base64 32`',
      )
    if (!isGiven('MANDATE_ADMIN_KEY'))
      problems.push('MANDATE_ADMIN_KEY is required, e.g. the output of `openssl rand -hex 32`')
  }
  if (values.NODE_ENV === 'production') {
    const sandboxed = values.MANDATE_SANDBOX_GOOGLE_URL ?? values.MANDATE_SANDBOX_MICROSOFT_URL
    if (sandboxed && !values.MANDATE_UNSAFE_SANDBOX)
      problems.push(
        'MANDATE_SANDBOX_GOOGLE_URL and MANDATE_SANDBOX_MICROSOFT_URL are refused in production without MANDATE_UNSAFE_SANDBOX=1',
      )
    if (inspectorUrl() !== undefined)
      problems.push('NODE_OPTIONS (or the command line) opens a debugger, which reads every secret: not in production')
    if (values.MANDATE_UNSAFE_HTTP_CALLBACKS) problems.push('MANDATE_UNSAFE_HTTP_CALLBACKS is refused in production')
    if (values.MANDATE_FAIL_POINT) problems.push('MANDATE_FAIL_POINT is refused in production')
  }
  return problems
}

const secretOrNull = (value: string | null) => (value === null ? null : new Secret(value))

function settingsOf(values: VariableValues, keysFromFile: MasterKeyList | null): Settings {
  const dataDirectory = resolve(values.MANDATE_DATA_DIR)
  return {
    http: {
      host: values.HOST,
      port: values.PORT,
      publicUrl: values.MANDATE_PUBLIC_URL ?? new URL(`http://127.0.0.1:${values.PORT}`),
      trustedProxies: values.MANDATE_TRUSTED_PROXIES,
    },
    stores: {
      databaseUrl: secretOrNull(values.DATABASE_URL),
      directDatabaseUrl: secretOrNull(values.DATABASE_DIRECT_URL),
      redis: redisOf(values),
      queuePrefix: values.MANDATE_QUEUE_PREFIX,
      dataDirectory,
    },
    sealing: {
      masterKeys: values.MANDATE_ENCRYPTION_KEYS ?? keysFromFile,
      masterKeysFrom: masterKeysFrom(values),
      dataDirectory,
    },
    callbacks: {
      totalTimeoutMs: values.MANDATE_CALLBACK_TIMEOUT_SECONDS * 1000,
      egressAllow: values.MANDATE_EGRESS_ALLOW,
      unsafeAllowHttp: values.MANDATE_UNSAFE_HTTP_CALLBACKS,
    },
    providers: {
      googleSandboxUrl: values.MANDATE_SANDBOX_GOOGLE_URL,
      microsoftSandboxUrl: values.MANDATE_SANDBOX_MICROSOFT_URL,
      timeoutMs: values.MANDATE_PROVIDER_TIMEOUT_SECONDS * 1000,
      mintsPerSecond: values.MANDATE_PROVIDER_MINTS_PER_SECOND,
    },
    rateLimits: {
      failedClients: values.MANDATE_LIMIT_FAILED_CLIENTS,
      failedAdminKeys: values.MANDATE_LIMIT_FAILED_ADMIN_KEYS,
      failedApiKeys: values.MANDATE_LIMIT_FAILED_API_KEYS,
      authorizations: values.MANDATE_LIMIT_AUTHORIZATIONS,
      providerTokens: values.MANDATE_LIMIT_PROVIDER_TOKENS,
    },
    refreshTokens: {
      idleLifeMs: days(values.MANDATE_REFRESH_TOKEN_IDLE_DAYS),
      longestLifeMs: days(values.MANDATE_REFRESH_TOKEN_MAX_DAYS) || null,
    },
    worker: { concurrency: values.MANDATE_WORKER_CONCURRENCY, healthPort: values.MANDATE_WORKER_HEALTH_PORT },
    operator: { host: values.MANDATE_OPERATOR_HOST, port: values.MANDATE_OPERATOR_PORT },
    tracing: {
      endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: values.OTEL_EXPORTER_OTLP_HEADERS && new Secret(values.OTEL_EXPORTER_OTLP_HEADERS),
      serviceName: values.OTEL_SERVICE_NAME,
      ratio: values.OTEL_TRACES_SAMPLER_ARG,
    },
    retention: {
      requestsMs: days(values.MANDATE_KEEP_REQUESTS_DAYS),
      expiredMs: days(values.MANDATE_KEEP_EXPIRED_DAYS),
      refreshTokensMs: days(values.MANDATE_REFRESH_TOKEN_IDLE_DAYS + values.MANDATE_KEEP_EXPIRED_DAYS),
    },
    adminKeys: values.MANDATE_ADMIN_KEY.map((key) => new Secret(key)),
    logLevel: values.MANDATE_LOG_LEVEL,
    failPoint: values.MANDATE_FAIL_POINT,
  }
}

function redisOf(values: VariableValues): RedisSettings | null {
  if (!values.REDIS_URL) return null
  return {
    urls: new Secret(values.REDIS_URL),
    cluster: values.REDIS_CLUSTER,
    sentinel: values.REDIS_SENTINEL,
    sentinelPassword: secretOrNull(values.REDIS_SENTINEL_PASSWORD),
    ca: values.REDIS_CA_FILE && readFileSync(values.REDIS_CA_FILE, 'utf8'),
  }
}

function masterKeysFrom(values: VariableValues): VariableName | null {
  if (values.MANDATE_ENCRYPTION_KEYS) return 'MANDATE_ENCRYPTION_KEYS'
  return values.MANDATE_ENCRYPTION_KEYS_FILE ? 'MANDATE_ENCRYPTION_KEYS_FILE' : null
}
