import type { ComponentChildren } from 'preact'
import type { Host } from './asker.js'
import { en as t } from './strings.en.js'

export function HostName({ host }: { host: Host }) {
  return (
    <>
      <bdi translate={false}>{host.readable}</bdi>
      {host.punycode && (
        <span class="aside">
          {' '}
          ({t.inOtherLetters}: <span translate={false}>{host.punycode}</span>)
        </span>
      )}
    </>
  )
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
