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

export function PageDocument(props: {
  frame: Frame
  title: string
  /** Beside the name of the product: where on the way this page is. */
  progress?: ComponentChildren
  /** Who we are, for somebody who has never heard of us. */
  about: string
  children: ComponentChildren
}) {
  const { frame, title, progress, about } = props
  return (
    <html lang={t.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{title}</title>
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
          {progress}
        </header>
        <main>{props.children}</main>
        <footer class="bottom">
          <p>{about}</p>
          <p>
            {t.requestId} <code translate={false}>{frame.requestId}</code>
          </p>
        </footer>
      </body>
    </html>
  )
}

const Seal = () => (
  <svg class="seal" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
    <circle cx="12" cy="12" r="10" fill="none" stroke="currentColor" stroke-width="2" />
    <path d="M7 16V8.5l5 5 5-5V16" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" />
  </svg>
)

export const renderPage = (page: VNode) => `<!doctype html>\n${render(page)}`
