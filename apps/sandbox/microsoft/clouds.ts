import type { CloudName } from './seed.js'

export interface Cloud {
  /** `cloud_instance_name` in discovery. */
  instance: string
  authority: string
  graph: string
  region: string
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
  },
  'us-dod': {
    instance: 'microsoftonline.us',
    authority: 'login.microsoftonline.us',
    graph: 'dod-graph.microsoft.us',
    region: 'USGov',
  },
  china: {
    instance: 'partner.microsoftonline.cn',
    authority: 'login.partner.microsoftonline.cn',
    graph: 'microsoftgraph.chinacloudapi.cn',
    region: 'AS',
  },
}
