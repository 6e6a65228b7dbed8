import { render } from 'preact-render-to-string'
import type { CheckStep } from '#domain/providers/administrator.port.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import type { Asker } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import { oneLine } from '#platform/pages/outside-text.js'
import { Document, Gap, renderAroundGap } from './document.js'
import { ConsentForm, DenyForm, type FormTarget } from './elements.js'
import { TextField } from './fields.js'
import { en as t } from './strings.en.js'

export interface CheckPageProps {
  frame: Frame
  target: FormTarget
  asker: Asker
  provider: ProviderName
}

/** Step 3 is sent line by line, as the provider answers, so that it is live without JavaScript. */
export const checkPage = (props: CheckPageProps) => renderAroundGap(<CheckPage {...props} />)

function CheckPage({ frame, target, asker, provider }: CheckPageProps) {
  const title = t.check.title(t.vendor[provider])
  return (
    <Document frame={frame} title={title} step="check">
      <h1>{title}</h1>
      <p class="lead">{t.check.intro}</p>
      <Gap />
      <DenyForm target={target} asker={asker} />
    </Document>
  )
}

export const checkListOpens = `<div class="check-log" role="log" aria-label="${t.check.steps}"><ol class="check">`
export const checkListEnds = '</ol></div>'

export const renderCheckStep = (step: CheckStep) => render(<CheckLine {...step} />)

const OUTCOME = { passed: t.check.passed, failed: t.check.failed, 'not-checked': t.check.notChecked }

function CheckLine({ label, outcome, problem, fix, key, commands }: CheckStep) {
  // That an earlier line has to pass first is plain to see; a dozen repetitions would hide the line that matters.
  const says = outcome !== 'not-checked' || fix !== ''
  return (
    <li class={`line ${outcome}`}>
      <p class="line-result">
        <span class="line-label">{label}</span> <span class="line-outcome">{OUTCOME[outcome]}</span>
      </p>
      {says && problem !== '' && <p>{problem}</p>}
      {fix !== '' && (
        <p>
          <strong>{t.check.whatToDo}</strong> {fix}
        </p>
      )}
      {commands.length > 0 && (
        <details>
          <summary>{t.check.commands}</summary>
          <pre translate={false}>
            <code>{commands.join('\n')}</code>
          </pre>
        </details>
      )}
      {key && (
        <p class="hint">
          {t.check.key} <code translate={false}>{key}</code>
        </p>
      )}
    </li>
  )
}

/** Sent when nothing has come for a while; the stylesheet hides it as soon as another line follows. */
export const renderWaiting = (provider: ProviderName) =>
  render(<li class="line waiting">{t.check.waiting(t.vendor[provider])}</li>)

export type CheckVerdict =
  | { kind: 'passed'; organisation: string }
  | { kind: 'failed'; credentialSource: 'operator' | 'customer'; otherMailbox: boolean }
  | { kind: 'outage' }
  | { kind: 'overtaken' }
  | { kind: 'broken' }

interface VerdictProps {
  verdict: CheckVerdict
  provider: ProviderName
  target: FormTarget
}

export const renderVerdict = (verdict: CheckVerdict, about: Omit<VerdictProps, 'verdict'>) =>
  render(<Verdict verdict={verdict} {...about} />)

function Verdict({ verdict, provider, target }: VerdictProps) {
  if (verdict.kind === 'passed')
    return (
      <section class="notice passed" role="status">
        <h2>{t.check.allPassed}</h2>
        <p>{t.check.allPassedText(oneLine(verdict.organisation))}</p>
        <form method="get" action={`${target.consentPath}/decide`}>
          <button type="submit">{t.check.goOn}</button>
        </form>
      </section>
    )
  const failed = verdict.kind === 'failed' ? verdict : null
  const [title, text] = whyNot(verdict.kind, provider)
  return (
    <>
      <section class={failed ? 'notice failed' : 'notice'} role="status">
        <h2>{title}</h2>
        <p>{text}</p>
        <p class="choices">
          <a class="button" href={`${target.consentPath}/check`}>
            {t.check.tryAgain}
          </a>
          <a href={`${target.consentPath}/prepare`}>
            {failed?.credentialSource === 'customer' ? t.check.changeOwn : t.check.change}
          </a>
        </p>
      </section>
      {failed?.otherMailbox && <OtherMailbox target={target} />}
    </>
  )
}

function OtherMailbox({ target }: { target: FormTarget }) {
  return (
    <ConsentForm target={target} action="mailbox">
      <TextField name="mailbox" label={t.check.otherMailbox} hint={t.check.otherMailboxHint} type="email" />
      <button type="submit" class="other">
        {t.check.tryOtherMailbox}
      </button>
    </ConsentForm>
  )
}

function whyNot(kind: Exclude<CheckVerdict['kind'], 'passed'>, provider: ProviderName): [string, string] {
  switch (kind) {
    case 'failed':
      return [t.check.somethingFailed, t.check.somethingFailedText[provider]]
    case 'outage':
      return [t.check.outage(t.vendor[provider]), t.check.outageText]
    case 'overtaken':
      return [t.check.overtaken, t.check.overtakenText]
    case 'broken':
      return [t.check.brokenOff, t.check.brokenOffText]
  }
}
