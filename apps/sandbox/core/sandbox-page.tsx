import type { ComponentChildren } from 'preact'
import { render } from 'preact-render-to-string'

const STYLE = `
:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; color: #1f2328; background: #eef0f3 }
body { margin: 0 }
.banner { background: #7a3e00; color: #fff; padding: .5rem 1rem; text-align: center; font-weight: 600; letter-spacing: .02em }
main { max-width: 27rem; margin: 2rem auto; padding: 1.75rem; background: #fff; border: 1px solid #d4d8de; border-radius: .75rem; box-sizing: border-box }
main.wide { max-width: 46rem }
@media (max-width: 30rem) { main { margin: 0; border: 0; border-radius: 0; min-height: calc(100vh - 2.6rem) } }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .5rem }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .5rem }
p { margin: .5rem 0 }
code { overflow-wrap: anywhere; font-size: .875em }
ul.plain { list-style: none; padding: 0; margin: 1rem 0 }
ul.plain > li + li { border-top: 1px solid #e4e7eb }
label { display: block; margin: .75rem 0 .25rem; font-weight: 600 }
label.tick { display: flex; gap: .6rem; align-items: flex-start; font-weight: 400; margin: 0; padding: .6rem 0 }
label.tick input { width: 1.1rem; height: 1.1rem; margin-top: .2rem; flex: none }
input[type=text], input[type=email], select, textarea { width: 100%; box-sizing: border-box; font: inherit; padding: .55rem .7rem; border: 1px solid #868e99; border-radius: .4rem; background: #fff }
textarea { min-height: 6rem; font-size: .9rem }
button { font: inherit; font-weight: 600; padding: .6rem 1.2rem; border: 1px solid #0b57d0; border-radius: .4rem; background: #0b57d0; color: #fff; cursor: pointer }
button.second { background: #fff; color: #0b57d0 }
button.row { width: 100%; text-align: left; border: 0; background: none; color: inherit; font-weight: 400; padding: .7rem .25rem; border-radius: .4rem }
button.row:hover { background: #f1f4f8 }
:focus-visible { outline: 3px solid #7aa7f7; outline-offset: 2px }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; justify-content: flex-end; margin-top: 1.5rem }
.quiet { color: #59626e; font-size: .9rem }
.problem { border-left: 4px solid #b3261e; background: #fdf1f0; padding: .6rem .8rem }
.entry { display: flex; gap: 1rem; justify-content: space-between; align-items: flex-start; padding: .75rem 0 }
`

export interface PageFacts {
  title: string
  /** Whose page this is not, e.g. `Google`. */
  standsInFor: string
  wide?: boolean
  children: ComponentChildren
}

/** A whole HTML document that nobody can mistake for the provider's own. Works without JavaScript. */
export function sandboxPage({ title, standsInFor, wide, children }: PageFacts): string {
  const page = render(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${title} (sandbox)`}</title>
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <header class="banner">SANDBOX — not {standsInFor}</header>
        <main class={wide ? 'wide' : undefined}>{children}</main>
      </body>
    </html>,
  )
  return `<!doctype html>${page}`
}
