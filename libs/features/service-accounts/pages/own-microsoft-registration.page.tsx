import type { Asker } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import type { OwnCredentialField } from '../own-credential-form.js'
import { Document } from './document.js'
import { ConsentForm, CopyBox, DenyForm, type FormTarget } from './elements.js'
import { ComplaintSummary, type Complaints, FileField, TextAreaField, TextField } from './fields.js'
import { ScopeTable } from './scope-table.js'
import { en as t } from './strings.en.js'

type MicrosoftField = Exclude<OwnCredentialField, 'key_file' | 'key_text'>

export interface OwnMicrosoftRegistrationProps {
  frame: Frame
  target: FormTarget
  asker: Asker
  permissions: string[]
  filled: {
    tenant: string
    clientId: string
    mailbox: string
    proof: 'secret' | 'certificate'
    secretExpiresOn: string
  }
  proofAlreadyGiven: boolean
  complaints: Complaints<MicrosoftField>
}

const words = t.own.microsoft

/** Step 2 at Microsoft with the organisation's own app registration. */
export function OwnMicrosoftRegistration(props: OwnMicrosoftRegistrationProps) {
  const { frame, target, asker, permissions, filled, proofAlreadyGiven, complaints } = props
  const keep = proofAlreadyGiven ? t.own.alreadyGiven : undefined
  return (
    <Document frame={frame} title={words.title} step="prepare">
      <h1>{words.title}</h1>
      <p class="lead">{words.intro}</p>
      <details>
        <summary>{t.own.guide}</summary>
        <p>{words.permissions}</p>
        <ScopeTable
          scopes={permissions}
          nameColumn={t.microsoft.permissionColumn}
          reasonColumn={t.microsoft.reasonColumn}
        />
        <p>{words.rbac}</p>
        <CopyBox id="commands" label={words.commandsIntro} value={words.commands(exchangeRole(permissions))} lines />
      </details>
      <ComplaintSummary complaints={complaints} />
      <ConsentForm target={target} action="credential" encType="multipart/form-data">
        <TextField name="tenant" label={words.tenant} value={filled.tenant} complaint={complaints.tenant} />
        <TextField name="client_id" label={words.clientId} value={filled.clientId} complaint={complaints.client_id} />
        <fieldset class="proof">
          <legend>{words.proof}</legend>
          <p class="hint">{t.own.keptSafe}</p>
          <Choice value="secret" label={words.bySecret} chosen={filled.proof === 'secret'} />
          <div class="when-secret">
            <TextField
              name="client_secret"
              label={words.secret}
              hint={keep ?? words.secretHint}
              type="password"
              complaint={complaints.client_secret}
            />
            <TextField
              name="secret_expires_on"
              label={words.secretExpires}
              hint={words.secretExpiresHint}
              type="date"
              value={filled.secretExpiresOn}
              complaint={complaints.secret_expires_on}
            />
          </div>
          <Choice value="certificate" label={words.byCertificate} chosen={filled.proof === 'certificate'} />
          <div class="when-certificate">
            <TextAreaField
              name="certificate"
              label={words.certificate}
              hint={keep}
              rows={4}
              complaint={complaints.certificate}
            />
            <TextAreaField name="private_key" label={words.key} rows={4} complaint={complaints.private_key} />
            <FileField name="pfx" label={words.pfx} accept=".pfx,.p12" complaint={complaints.pfx} />
            <TextField
              name="password"
              label={words.password}
              hint={words.passwordHint}
              type="password"
              complaint={complaints.password}
            />
          </div>
        </fieldset>
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

function Choice({ value, label, chosen }: { value: string; label: string; chosen: boolean }) {
  return (
    <div class="choice">
      <input type="radio" id={`proof-${value}`} name="proof" value={value} checked={chosen} />
      <label for={`proof-${value}`}>{label}</label>
    </div>
  )
}

/** Exchange has roles for reading and for writing, none for basic details alone. */
const exchangeRole = (permissions: readonly string[]) =>
  permissions.includes('Calendars.ReadWrite') ? 'Application Calendars.ReadWrite' : 'Application Calendars.Read'
