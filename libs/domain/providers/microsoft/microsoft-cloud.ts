import type { MicrosoftCloudName } from '../provider.port.js'

/** One of the clouds that Microsoft runs apart from each other: app registrations, tokens and Graph belong to one of them. */
export interface MicrosoftCloud {
  name: MicrosoftCloudName
  /** `cloud_instance_name` of a tenant's discovery document. */
  instance: string
  /** `tenant_region_sub_scope`, where two clouds sign in at the same place. */
  subScope?: string
  login: string
  graph: string
}

export const CLOUDS: Readonly<Record<MicrosoftCloudName, MicrosoftCloud>> = {
  global: {
    name: 'global',
    instance: 'microsoftonline.com',
    login: 'https://login.microsoftonline.com',
    graph: 'https://graph.microsoft.com',
  },
  'us-government': {
    name: 'us-government',
    instance: 'microsoftonline.us',
    subScope: 'DODCON',
    login: 'https://login.microsoftonline.us',
    graph: 'https://graph.microsoft.us',
  },
  'us-dod': {
    name: 'us-dod',
    instance: 'microsoftonline.us',
    subScope: 'DOD',
    login: 'https://login.microsoftonline.us',
    graph: 'https://dod-graph.microsoft.us',
  },
  china: {
    name: 'china',
    instance: 'partner.microsoftonline.cn',
    login: 'https://login.partner.microsoftonline.cn',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
  },
}

/** @param name of an app registration: the operator's says it, and without a word it is where everybody is */
export const cloudNamed = (name: MicrosoftCloudName | null | undefined): MicrosoftCloud => CLOUDS[name ?? 'global']

/** Where people sign in, each once: the two clouds of the US Government share theirs. */
export const LOGIN_ORIGINS: readonly string[] = [...new Set(Object.values(CLOUDS).map(({ login }) => login))]

/** What an app-only token is asked for: everything that was granted to the app at Graph. */
export const graphAppScope = ({ graph }: MicrosoftCloud) => `${graph}/.default`

/** Of a tenant's discovery document, as far as it says which cloud this is. */
export interface CloudClaims {
  cloud_instance_name?: string
  tenant_region_sub_scope?: string
  msgraph_host?: string
}

/** Hosts are never taken from the document, only compared with the ones we know. Null for a cloud that we do not know. */
export function cloudOf(document: CloudClaims): MicrosoftCloud | null {
  const here = Object.values(CLOUDS).filter(({ instance }) => instance === document.cloud_instance_name)
  return (
    here.find(({ graph }) => new URL(graph).host === document.msgraph_host) ??
    here.find(({ subScope }) => subScope === document.tenant_region_sub_scope) ??
    null
  )
}
