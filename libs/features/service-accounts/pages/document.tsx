import type { ComponentChildren, VNode } from 'preact'
import { render } from 'preact-render-to-string'
import { en as t } from './strings.en.js'

/** What surrounds every page, whatever it says. */
export interface Frame {
  requestId: string
  /** Host of our own origin. */
  brokerHost: string
  stylesheet: string
  script: string
  icon: string
}

const STEPS = ['ask', 'prepare', 'check', 'decide'] as const
export type ProgressStep = (typeof STEPS)[number]

export function Document(props: {
  frame: Frame
  title: string
  /** Null on pages that are not on the way: endings. */
  step: ProgressStep | null
  children: ComponentChildren
}) {
  const { frame, title, step } = props
  return (
    <html lang={t.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{step ? `${title} (${STEPS.indexOf(step) + 1}/4)` : title}</title>
        <link rel="stylesheet" href={frame.stylesheet} />
        <link rel="icon" href={frame.icon} />
        <script src={frame.script} defer />
      </head>
      <body>
        <header class="top">
          <p class="wordmark" translate={false}>
            <Seal />
            {t.product}
          </p>
          {step && <Progress step={step} />}
        </header>
        <main>{props.children}</main>
        <footer class="bottom">
          <p>{t.frame.about(frame.brokerHost)}</p>
          <p class="request-id">
            {t.frame.requestId} <code translate={false}>{frame.requestId}</code>
          </p>
        </footer>
      </body>
    </html>
  )
}

function Progress({ step }: { step: ProgressStep }) {
  const now = STEPS.indexOf(step)
  return (
    <nav aria-label={t.frame.progress} class="progress">
      <p class="progress-now">{t.frame.stepOf(now + 1, t.frame.steps[step])}</p>
      <ol>
        {STEPS.map((name, index) => (
          <li
            key={name}
            class={index < now ? 'done' : index === now ? 'now' : 'ahead'}
            aria-current={index === now ? 'step' : undefined}
          >
            <span>{t.frame.steps[name]}</span>
          </li>
        ))}
      </ol>
    </nav>
  )
}

const Seal = () => (
  <svg class="seal" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
    <circle cx="12" cy="12" r="10" fill="none" stroke="currentColor" stroke-width="2" />
    <path d="M7 16V8.5l5 5 5-5V16" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" />
  </svg>
)

export const renderPage = (page: VNode) => `<!doctype html>\n${render(page)}`

/** Stands where a page that is sent in pieces will be continued. Text from outside is escaped, so it cannot contain it. */
const GAP = '<page-gap></page-gap>'
export const Gap = () => {
  const PageGap = 'page-gap' as 'div'
  return <PageGap />
}

/** The page before and after its `<Gap />`, for an answer that is written while its content is still being found out. */
export function renderAroundGap(page: VNode): { before: string; after: string } {
  const [before, after] = renderPage(page).split(GAP)
  if (before === undefined || after === undefined) throw new Error('the page has no gap')
  return { before, after }
}
