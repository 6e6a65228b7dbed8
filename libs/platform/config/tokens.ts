/** Injection tokens of the sections of the configuration: a consumer gets exactly the section that it reads. */
export const HTTP_SETTINGS = Symbol('http settings')
export const CALLBACK_SETTINGS = Symbol('callback settings')
export const RATE_LIMIT_SETTINGS = Symbol('rate limit settings')
export const ADMIN_KEYS = Symbol('admin keys')
export const RETENTION_SETTINGS = Symbol('retention settings')
export const REFRESH_TOKEN_SETTINGS = Symbol('refresh token settings')
export const PROVIDER_SETTINGS = Symbol('provider settings')
