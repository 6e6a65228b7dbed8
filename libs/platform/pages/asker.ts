import { domainToUnicode } from 'node:url'
import { nameInSentence, oneLine } from './outside-text.js'
import { en as t } from './strings.en.js'

/** The client, as every page shows it. */
export interface Asker {
  name: string
  host: Host
}

export interface Host {
  /** As a person writes it. */
  readable: string
  /** As machines write it, when that differs: `münchen.example` and `xn--mnchen-3ya.example` are both shown. */
  punycode: string | null
}

export function askerOf(client: { name: string }, redirectUri: string): Asker {
  const name = nameInSentence(client.name)
  return { name: name === '' ? t.unnamedClient : name, host: hostOf(redirectUri) }
}

export function hostOf(uri: string): Host {
  const { hostname, port } = new URL(uri)
  const withPort = (name: string) => (port === '' ? name : `${name}:${port}`)
  const readable = oneLine(domainToUnicode(hostname) || hostname, 253)
  return { readable: withPort(readable), punycode: readable === hostname ? null : withPort(hostname) }
}
