import type { Asker } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import { Document } from './document.js'
import { ConsentForm, CopyBox, DenyForm, type FormTarget } from './elements.js'
import { ComplaintSummary, type Complaints, FileField, TextAreaField, TextField } from './fields.js'
import { en as t } from './strings.en.js'

export interface OwnGoogleKeyProps {
  frame: Frame
  target: FormTarget
  asker: Asker
  scopes: string[]
  filled: { mailbox: string }
  keyAlreadyGiven: boolean
  complaints: Complaints<'key_file' | 'key_text' | 'mailbox'>
}

const words = t.own.google

/** Step 2 at Google with the organisation's own service account. */
export function OwnGoogleKey(props: OwnGoogleKeyProps) {
  const { frame, target, asker, scopes, filled, keyAlreadyGiven, complaints } = props
  return (
    <Document frame={frame} title={words.title} step="prepare">
      <h1>{words.title}</h1>
      <p class="lead">{words.intro}</p>
      <details>
        <summary>{t.own.guide}</summary>
        <CopyBox id="commands" label={words.commandsIntro} value={words.commands('mandate-calendars')} lines />
        <p>{words.delegation}</p>
        <CopyBox id="scopes" label={t.google.scopes} value={scopes.join(',')} />
        <p>{words.unit}</p>
      </details>
      <ComplaintSummary complaints={complaints} />
      <ConsentForm target={target} action="credential" encType="multipart/form-data">
        <FileField
          name="key_file"
          label={words.keyFile}
          hint={keyAlreadyGiven ? t.own.alreadyGiven : t.own.keptSafe}
          accept=".json,application/json"
          complaint={complaints.key_file}
        />
        <TextAreaField name="key_text" label={words.keyText} rows={4} complaint={complaints.key_text} />
        <TextField
          name="mailbox"
          label={words.mailbox}
          hint={words.mailboxHint}
          type="email"
          value={filled.mailbox}
          complaint={complaints.mailbox}
        />
        <button type="submit">{t.own.submit}</button>
      </ConsentForm>
      <nav class="ways-back">
        <a href={target.consentPath}>{t.frame.back}</a>
      </nav>
      <DenyForm target={target} asker={asker} />
    </Document>
  )
}
