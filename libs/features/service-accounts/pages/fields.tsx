import type { ComponentChildren } from 'preact'
import { en as t } from './strings.en.js'

/** What is wrong with each field of a form, by the field's name. */
export type Complaints<Name extends string> = Partial<Record<Name, string>>

interface FieldProps {
  name: string
  label: string
  hint?: string
  complaint?: string
}

/** Label, hint and complaint around one control, tied together for screen readers. */
function Field(props: FieldProps & { children: ComponentChildren }) {
  return (
    <div class={props.complaint ? 'field wrong' : 'field'}>
      <label for={props.name}>{props.label}</label>
      {props.hint && (
        <p class="hint" id={`${props.name}-hint`}>
          {props.hint}
        </p>
      )}
      {props.children}
      {props.complaint && (
        <p class="complaint" id={`${props.name}-complaint`}>
          {props.complaint}
        </p>
      )}
    </div>
  )
}

const described = ({ name, hint, complaint }: FieldProps) => ({
  'aria-describedby': [hint && `${name}-hint`, complaint && `${name}-complaint`].filter(Boolean).join(' ') || undefined,
  'aria-invalid': complaint ? ('true' as const) : undefined,
})

/** Browsers must not improve identifiers, addresses and keys, nor remember them. */
const plain = { autocomplete: 'off', autocapitalize: 'none', autocorrect: 'off', spellcheck: false } as const

export function TextField(props: FieldProps & { value?: string; type?: 'text' | 'email' | 'password' | 'date' }) {
  return (
    <Field {...props}>
      <input
        id={props.name}
        name={props.name}
        value={props.value}
        {...plain}
        autocomplete={props.type === 'password' ? 'new-password' : 'off'}
        {...described(props)}
        // The element's type is a union over literal types, which a chosen one does not meet.
        {...({ type: props.type ?? 'text' } as object)}
      />
    </Field>
  )
}

export function TextAreaField(props: FieldProps & { rows: number }) {
  return (
    <Field {...props}>
      <textarea id={props.name} name={props.name} rows={props.rows} {...plain} {...described(props)} />
    </Field>
  )
}

export function FileField(props: FieldProps & { accept: string }) {
  return (
    <Field {...props}>
      <input id={props.name} name={props.name} type="file" accept={props.accept} {...described(props)} />
    </Field>
  )
}

/** Says above the form what is wrong, with a way to each place. */
export function ComplaintSummary({ complaints }: { complaints: Complaints<string> }) {
  const entries = Object.entries(complaints)
  if (entries.length === 0) return null
  return (
    <div class="notice failed" role="alert">
      <h2>{t.own.problem}</h2>
      <ul>
        {entries.map(([name, complaint]) => (
          <li key={name}>
            <a href={`#${name}`}>{complaint}</a>
          </li>
        ))}
      </ul>
    </div>
  )
}
