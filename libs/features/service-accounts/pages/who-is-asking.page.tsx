import type { ProviderName } from '#domain/providers/provider.port.js'
import type { Asker } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import { Fact, HostName } from '#platform/pages/elements.js'
import { Document } from './document.js'
import { ConsentForm, DenyForm, type FormTarget, MayAndMayNot } from './elements.js'
import { en as t } from './strings.en.js'

/** One provider, and whether the operator's credential can be used there. Bringing one's own is always possible. */
export interface Way {
  provider: ProviderName
  withOperatorCredential: boolean
}

export interface WhoIsAskingProps {
  frame: Frame
  target: FormTarget
  asker: Asker
  whose: string
  may: string[]
  mayNot: string[]
  ways: Way[]
}

/** Step 1: who asks, for what, and where the calendars are. */
export function WhoIsAsking({ frame, target, asker, whose, may, mayNot, ways }: WhoIsAskingProps) {
  return (
    <Document frame={frame} title={t.ask.title(asker.name)} step="ask">
      <h1>{t.ask.title(asker.name)}</h1>
      <p class="lead">{t.ask.intro(asker.name)}</p>
      <dl class="facts">
        <Fact name={t.ask.who}>
          <strong>{asker.name}</strong>
        </Fact>
        <Fact name={t.ask.returnsTo}>
          <HostName host={asker.host} />
        </Fact>
        <Fact name={t.ask.whose}>{whose}</Fact>
      </dl>
      <p class="hint">{t.ask.notTheProvider}</p>
      <MayAndMayNot may={may} mayNot={mayNot} names={t.ask} />
      <h2>{t.ask.choose}</h2>
      <ConsentForm target={target} action="provider" class="ways">
        {ways.map((way) => (
          <WayChoice key={way.provider} {...way} />
        ))}
      </ConsentForm>
      <DenyForm target={target} asker={asker} />
    </Document>
  )
}

function WayChoice({ provider, withOperatorCredential }: Way) {
  const own = `${provider}:customer`
  if (!withOperatorCredential)
    return (
      <section class="way">
        <h3>{t.provider[provider]}</h3>
        <p>{t.ask.ownWayOnly[provider]}</p>
        <button type="submit" name="way" value={own}>
          {t.ask.bringOwn[provider]}
        </button>
      </section>
    )
  return (
    <section class="way">
      <h3>{t.provider[provider]}</h3>
      <p>{t.ask.operatorWay[provider]}</p>
      <button type="submit" name="way" value={`${provider}:operator`}>
        {t.ask.continueWith[provider]}
      </button>
      <p class="alternative">
        {t.ask.bringOwnHint}{' '}
        <button type="submit" name="way" value={own} class="link">
          {t.ask.bringOwn[provider]}
        </button>
      </p>
    </section>
  )
}
