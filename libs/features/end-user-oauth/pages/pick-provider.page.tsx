import type { DelegatedScope } from '#domain/providers/delegated-scopes.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import type { Asker } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import { Fact, HostName } from '#platform/pages/elements.js'
import { oneLine } from '#platform/pages/outside-text.js'
import { PersonDocument } from './person-document.js'
import { en as t } from './strings.en.js'
import { mayDo, mayNotDo } from './what-it-may-do.js'

export interface PickProviderProps {
  frame: Frame
  /** `/oauth/connect/sig_…`, without a slash at the end. */
  path: string
  csrf: string
  asker: Asker
  scope: readonly DelegatedScope[]
  /** The address that has to come back. */
  loginHint: string | null
  providers: readonly ProviderName[]
}

/** Who asks, for what, and where the account is. */
export function PickProviderPage(props: PickProviderProps) {
  const { frame, path, csrf, asker, scope, loginHint, providers } = props
  return (
    <PersonDocument frame={frame} title={t.pick.title(asker.name)}>
      <p class="lead">{t.pick.intro(asker.name)}</p>
      <dl class="facts">
        <Fact name={t.pick.who}>
          <strong>{asker.name}</strong>
        </Fact>
        <Fact name={t.pick.returnsTo}>
          <HostName host={asker.host} />
        </Fact>
        {loginHint && <Fact name={t.pick.account}>{oneLine(loginHint, 254)}</Fact>}
      </dl>
      <Marked title={t.pick.may} kind="may" lines={mayDo(scope)} />
      <Marked title={t.pick.mayNot} kind="may-not" lines={mayNotDo(scope)} />
      <h2>{t.pick.where}</h2>
      <p>{t.pick.whereHint}</p>
      <form method="post" action={`${path}/provider`} class="ways" data-once>
        <input type="hidden" name="csrf" value={csrf} />
        {providers.map((provider) => (
          <section class="way" key={provider}>
            <h3>{t.provider[provider]}</h3>
            <p>{t.pick.product[provider]}</p>
            <button type="submit" name="provider" value={provider}>
              {t.pick.go[provider]}
            </button>
          </section>
        ))}
      </form>
      <p class="hint">{t.takeBack(asker.name)}</p>
      <form method="post" action={`${path}/decline`} class="leave" data-once>
        <input type="hidden" name="csrf" value={csrf} />
        <button type="submit" class="quiet">
          {t.pick.leave(asker.name)}
        </button>
      </form>
    </PersonDocument>
  )
}

function Marked({ title, kind, lines }: { title: string; kind: 'may' | 'may-not'; lines: string[] }) {
  return (
    <>
      <h2>{title}</h2>
      <ul class={`marked ${kind}`}>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  )
}
