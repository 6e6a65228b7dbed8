import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { render } from 'preact-render-to-string'

/** They are not TypeScript, so the compiler leaves them where they are: beside the sources, also when we run from `dist`. */
const FOLDER = new URL('./assets/', import.meta.url.replace('/dist/libs/', '/libs/'))
const [STYLE, SCRIPT] = ['console.css', 'console.js'].map((name) => readFileSync(new URL(name, FOLDER), 'utf8')) as [
  string,
  string,
]

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** The page is one file. Its script may call this origin and nothing else, so a key that is typed in goes nowhere else. */
export const CONSOLE_POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)}`,
  `style-src ${hashOf(STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const EXAMPLE = `query ($filter: AuthorizationsFilter!) {
  authorizations(filter: $filter) {
    id
    provider
    scope
    createdAt
    userInfo {
      email
    }
  }
}`
const EXAMPLE_VARIABLES = `{ "filter": { "approver": "YOUR_USER_ID" } }`

function ConsolePage() {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>Mandate GraphQL console</title>
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <main>
          <h1>GraphQL console</h1>
          <p>
            Requests go to <code>/graphql</code> of this origin, with your API key in the header <code>x-api-key</code>.
            The key stays in this page and is forgotten when you close it. A mutation here is a real one.
          </p>
          <noscript>
            <p>This page needs JavaScript. Any GraphQL client works as well.</p>
          </noscript>
          <form id="request">
            <label for="key">API key</label>
            <input id="key" type="password" autocomplete="off" spellcheck={false} required />
            <label for="query">Document</label>
            <textarea id="query" rows={14} spellcheck={false} required>
              {EXAMPLE}
            </textarea>
            <label for="variables">Variables, as JSON</label>
            <textarea id="variables" rows={4} spellcheck={false}>
              {EXAMPLE_VARIABLES}
            </textarea>
            <p>
              <button type="submit">Run the document</button>{' '}
              <button type="button" id="schema">
                Show the schema
              </button>
            </p>
          </form>
          <h2 id="answer-title">Answer</h2>
          <pre id="answer" role="status" aria-labelledby="answer-title">
            Nothing has been asked yet.
          </pre>
        </main>
        <script dangerouslySetInnerHTML={{ __html: SCRIPT }} />
      </body>
    </html>
  )
}

export const CONSOLE = `<!doctype html>\n${render(<ConsolePage />)}`
