import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AadstsError } from '../aadsts.js'
import { CLOUDS, knows } from '../clouds.js'
import { ANY_TENANT, type MicrosoftWorld } from '../microsoft-world.js'
import { meantHost, originOf } from '../request.js'
import { type InTenant, sendRefusal } from './token.routes.js'

/** The documents that need no credential: what a tenant's endpoints, keys and cloud are. */
export function registerDiscoveryRoutes(http: FastifyInstance, world: MicrosoftWorld): void {
  http.get<InTenant>('/:tenant/v2.0/.well-known/openid-configuration', async (request, reply) => {
    try {
      return openidConfiguration(world, request.params.tenant, request)
    } catch (refusal) {
      return sendRefusal(reply, refusal, world, undefined, 'invalid_tenant')
    }
  })

  http.get<InTenant>('/:tenant/discovery/v2.0/keys', async () => ({ keys: [world.key.jwk] }))

  http.get('/common/discovery/instance', async (request) => ({
    tenant_discovery_endpoint: `${originOf(request)}/common/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: Object.values(CLOUDS).map(({ authority }) => ({
      preferred_network: authority,
      preferred_cache: authority,
      aliases: [authority],
    })),
  }))
}

/** Asked for by domain, it answers with the GUID: so a domain can be turned into a tenant id. */
function openidConfiguration(world: MicrosoftWorld, segment: string, request: FastifyRequest) {
  const tenant = ANY_TENANT.has(segment) ? null : world.getTenant(segment)
  const meant = meantHost(request)
  if (tenant && meant && !knows(meant, tenant.cloud)) throw new AadstsError(90002, { tenant: segment })
  const cloud = tenant ? CLOUDS[tenant.cloud] : (cloudAt(meant) ?? CLOUDS.global)
  const origin = meant ? `https://${cloud.authority}` : originOf(request)
  const base = `${origin}/${tenant?.id ?? segment}`
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `https://${cloud.authority}/${tenant?.id ?? '{tenantid}'}/v2.0`,
    request_uri_parameter_supported: false,
    userinfo_endpoint: `${origin}/oidc/userinfo`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'preferred_username', 'name', 'tid', 'ver', 'email'],
    tenant_region_scope: cloud.region,
    ...(tenant && cloud.subScope ? { tenant_region_sub_scope: cloud.subScope } : {}),
    cloud_instance_name: cloud.instance,
    cloud_graph_host_name: 'graph.windows.net',
    msgraph_host: cloud.graph,
    rbac_url: 'https://pas.windows.net',
  }
}

const cloudAt = (host: string | null) => Object.values(CLOUDS).find(({ authority }) => authority === host)
