import type { ProviderName } from '#domain/providers/provider.port.js'
import type { Asker } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import { Fact, HostName } from '#platform/pages/elements.js'
import { oneLine } from '#platform/pages/outside-text.js'
import { Document } from './document.js'
import { ConsentForm, type FormTarget, MayAndMayNot } from './elements.js'
import { en as t } from './strings.en.js'

export interface DecisionProps {
  frame: Frame
  target: FormTarget
  asker: Asker
  provider: ProviderName
  credentialSource: 'operator' | 'customer'
  organisation: { name: string; domains: string[] }
  administratorEmail: string
  whose: string
  may: string[]
  mayNot: string[]
}

const DOMAINS_SHOWN = 5

/** Step 4: everything that is being decided, on one page, and two equal buttons. */
export function Decision(props: DecisionProps) {
  const { frame, target, asker, provider, credentialSource } = props
  const organisation = oneLine(props.organisation.name)
  return (
    <Document frame={frame} title={t.decide.title(asker.name)} step="decide">
      <h1>{t.decide.title(asker.name)}</h1>
      <p class="lead">{t.decide.intro(asker.name, organisation)}</p>
      <dl class="facts">
        <Fact name={t.decide.organisation}>
          <strong>{organisation}</strong>
          <span class="aside" translate={false}>
            {domainList(props.organisation.domains)}
          </span>
          <span class="aside">{t.provider[provider]}</span>
        </Fact>
        <Fact name={t.decide.client}>
          <strong>{asker.name}</strong>
        </Fact>
        <Fact name={t.decide.returnsTo}>
          <HostName host={asker.host} />
        </Fact>
        <Fact name={t.decide.whose}>{props.whose}</Fact>
        <Fact name={t.decide.administrator[credentialSource === 'operator' ? 'sign-in' : 'possession']}>
          <bdi translate={false}>{oneLine(props.administratorEmail, 254)}</bdi>
        </Fact>
        <Fact name={t.decide.credential}>
          {credentialSource === 'operator'
            ? t.decide.credentialSource.operator(frame.brokerHost)
            : t.decide.credentialSource.customer}
        </Fact>
      </dl>
      <MayAndMayNot may={props.may} mayNot={props.mayNot} names={t.decide} />
      <h2>{t.decide.withdraw}</h2>
      <p>{t.decide.withdrawText[credentialSource][provider]}</p>
      <div class="decision">
        <ConsentForm target={target} action="allow">
          <button type="submit">{t.decide.allow(asker.name)}</button>
        </ConsentForm>
        <ConsentForm target={target} action="deny">
          <button type="submit" class="other">
            {t.decide.deny(asker.name)}
          </button>
        </ConsentForm>
      </div>
      <p class="hint">{t.decide.afterwards(asker.host.readable)}</p>
    </Document>
  )
}

function domainList(domains: readonly string[]): string {
  const shown = domains.slice(0, DOMAINS_SHOWN).map((domain) => oneLine(domain, 253))
  const more = domains.length - shown.length
  return shown.join(', ') + (more > 0 ? ` +${more}` : '')
}
