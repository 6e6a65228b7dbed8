import type { ComponentChildren, VNode } from 'preact'
import { type Frame, PageDocument, renderPage } from '#platform/pages/document.js'
import { en as t } from './strings.en.js'

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
    <PageDocument
      frame={frame}
      title={step ? `${title} (${STEPS.indexOf(step) + 1}/4)` : title}
      progress={step && <Progress step={step} />}
      about={t.frame.about(frame.brokerHost)}
    >
      {props.children}
    </PageDocument>
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
