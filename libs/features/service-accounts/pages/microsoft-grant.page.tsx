import type { Asker } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import { Document } from './document.js'
import { ConsentForm, DenyForm, type FormTarget } from './elements.js'
import { ScopeTable } from './scope-table.js'
import { en as t } from './strings.en.js'

export interface MicrosoftGrantProps {
  frame: Frame
  target: FormTarget
  asker: Asker
  permissions: string[]
}

/** Step 2 at Microsoft with the operator's credential: what the two screens will be. */
export function MicrosoftGrant({ frame, target, asker, permissions }: MicrosoftGrantProps) {
  return (
    <Document frame={frame} title={t.microsoft.title} step="prepare">
      <h1>{t.microsoft.title}</h1>
      <p class="lead">{t.microsoft.intro}</p>
      <ol class="instructions">
        <li>
          <strong>{t.microsoft.first.title}.</strong> {t.microsoft.first.text}
        </li>
        <li>
          <strong>{t.microsoft.second.title}.</strong> {t.microsoft.second.text}
        </li>
      </ol>
      <h2>{t.microsoft.permissions}</h2>
      <ScopeTable
        scopes={permissions}
        nameColumn={t.microsoft.permissionColumn}
        reasonColumn={t.microsoft.reasonColumn}
      />
      <p>{t.microsoft.wider(asker.name)}</p>
      <p>{t.microsoft.afterwards(asker.name)}</p>
      <ConsentForm target={target} action="sign-in">
        <button type="submit">{t.microsoft.submit}</button>
      </ConsentForm>
      <nav class="ways-back">
        <a href={target.consentPath}>{t.frame.back}</a>
      </nav>
      <DenyForm target={target} asker={asker} />
    </Document>
  )
}
