import { type ComponentChildren, Fragment } from 'preact'
import type { Asker } from '#platform/pages/asker.js'
import { en as t } from './strings.en.js'

/** Where forms of one consent go, and the token that proves they come from its pages. */
export interface FormTarget {
  /** `/enterprise_connect/consents/con_…`, without a slash at the end. */
  consentPath: string
  csrf: string
}

export function ConsentForm(props: {
  target: FormTarget
  action: string
  children: ComponentChildren
  encType?: 'multipart/form-data'
  class?: string
}) {
  return (
    <form
      method="post"
      action={`${props.target.consentPath}/${props.action}`}
      encType={props.encType}
      class={props.class}
      data-once
    >
      <input type="hidden" name="csrf" value={props.target.csrf} />
      {props.children}
    </form>
  )
}

/** The way out that every page offers. */
export function DenyForm({ target, asker }: { target: FormTarget; asker: Asker }) {
  return (
    <ConsentForm target={target} action="deny" class="leave">
      <button type="submit" class="quiet">
        {t.frame.deny(asker.name)}
      </button>
    </ConsentForm>
  )
}

/** A value to be carried somewhere else: selected whole by one click, copied by a button where there is JavaScript. */
export function CopyBox({ id, label, value, lines }: { id: string; label: string; value: string; lines?: true }) {
  return (
    <div class="copy">
      <p class="copy-label" id={`${id}-label`}>
        {label}
      </p>
      <div class="copy-box">
        <code id={id} class={lines ? 'value lines' : 'value'} translate={false}>
          {lines ? value : <Breakable value={value} />}
        </code>
        <button
          type="button"
          hidden
          data-copy={id}
          data-done={t.frame.copied}
          data-failed={t.frame.copyFailed}
          aria-describedby={`${id}-label`}
        >
          {t.frame.copy}
        </button>
      </div>
    </div>
  )
}

/** Scope names break where a reader would break them. `<wbr>` adds nothing to what is copied. */
export const Breakable = ({ value }: { value: string }) => (
  <>
    {value.split(/(?<=,|\.|\/auth\/)(?=.)/).map((part, index) => (
      <Fragment key={part}>
        {index > 0 && <wbr />}
        {part}
      </Fragment>
    ))}
  </>
)

/** What it may do and what it may not, side by side in weight: marks beside words, never colour alone. */
export function MayAndMayNot({ may, mayNot, names }: { may: string[]; mayNot: string[]; names: MayNames }) {
  return (
    <>
      <h2>{names.may}</h2>
      <ul class="marked may">
        {may.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <h2>{names.mayNot}</h2>
      <ul class="marked may-not">
        {mayNot.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  )
}

interface MayNames {
  may: string
  mayNot: string
}
