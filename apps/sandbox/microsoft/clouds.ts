import type { CloudName } from './seed.js'

export interface Cloud {
  /** `cloud_instance_name` in discovery. */
  instance: string
  authority: string
  graph: string
  region: string
  /** `tenant_region_sub_scope`: tells the two clouds apart that sign in at the same place. */
  subScope?: string
}

export const CLOUDS: Readonly<Record<CloudName, Cloud>> = {
  global: {
    instance: 'microsoftonline.com',
    authority: 'login.microsoftonline.com',
    graph: 'graph.microsoft.com',
    region: 'EU',
  },
  'us-government': {
    instance: 'microsoftonline.us',
    authority: 'login.microsoftonline.us',
    graph: 'graph.microsoft.us',
    region: 'USGov',
    subScope: 'DODCON',
  },
  'us-dod': {
    instance: 'microsoftonline.us',
    authority: 'login.microsoftonline.us',
    graph: 'dod-graph.microsoft.us',
    region: 'USGov',
    subScope: 'DOD',
  },
  china: {
    instance: 'partner.microsoftonline.cn',
    authority: 'login.partner.microsoftonline.cn',
    graph: 'microsoftgraph.chinacloudapi.cn',
    region: 'AS',
  },
}

export const authorityOfCloud = (name: CloudName) => CLOUDS[name].authority

/** The global login knows the tenants of the US Government and where they are; no other knows any but its own. */
export const knows = (authority: string, tenantCloud: CloudName) =>
  authority === authorityOfCloud(tenantCloud) ||
  (authority === CLOUDS.global.authority && tenantCloud.startsWith('us-'))
