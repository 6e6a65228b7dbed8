import type { Asker } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import { Document } from './document.js'
import { ConsentForm, CopyBox, DenyForm, type FormTarget } from './elements.js'
import { ScopeTable } from './scope-table.js'
import { en as t } from './strings.en.js'

export interface GoogleDelegationProps {
  frame: Frame
  target: FormTarget
  asker: Asker
  /** The numeric id of the operator's service account. */
  clientId: string
  scopes: string[]
}

/** Step 2 at Google with the operator's credential: the entry in the Admin console, then the sign-in. */
export function GoogleDelegation({ frame, target, asker, clientId, scopes }: GoogleDelegationProps) {
  return (
    <Document frame={frame} title={t.google.title} step="prepare">
      <h1>{t.google.title}</h1>
      <p class="lead">{t.google.intro(asker.name)}</p>
      <ol class="instructions">
        <li>{t.google.open}</li>
        <li>
          {t.google.goTo}{' '}
          {t.google.path.map((place, index) => (
            <span key={place}>
              {index > 0 && <span class="then"> › </span>}
              <span class="menu">{place}</span>
            </span>
          ))}
        </li>
        <li>{t.google.paste}</li>
      </ol>
      <CopyBox id="client-id" label={t.google.clientId} value={clientId} />
      <CopyBox id="scopes" label={t.google.scopes} value={scopes.join(',')} />
      <p class="hint">{t.google.scopesHint}</p>
      <details>
        <summary>{t.google.why}</summary>
        <ScopeTable scopes={scopes} nameColumn={t.google.scopeColumn} reasonColumn={t.google.reasonColumn} />
        <p>{t.google.wider(asker.name)}</p>
      </details>
      <p>{t.google.wait}</p>
      <ConsentForm target={target} action="sign-in">
        <button type="submit">{t.google.submit}</button>
        <p class="hint">{t.google.submitHint}</p>
      </ConsentForm>
      <nav class="ways-back">
        <a href={target.consentPath}>{t.frame.back}</a>
      </nav>
      <DenyForm target={target} asker={asker} />
    </Document>
  )
}
