/** A browser without a window for the stand-in's pages: reads the forms of the page it is on, and sends one as a click would. */
export class PageWalker {
  html = ''
  status = 0
  /** Where the last answer redirected to; such redirects are read, not followed. */
  location: URL | null = null
  #url = ''

  async open(url: string): Promise<this> {
    return this.#take(url, await fetch(url, { redirect: 'manual' }))
  }

  /** Presses the button whose name, value or text is `label`, with `fields` typed into its form. */
  async press(label: string, fields: Record<string, string> = {}): Promise<this> {
    for (const { action, inputs, buttons } of formsIn(this.html)) {
      const button = buttons.find(({ value, text }) => value === label || text === label)
      if (!button) continue
      const body = new URLSearchParams({ ...inputs, ...fields, ...(button.name && { [button.name]: button.value }) })
      const url = new URL(action, this.#url).href
      return this.#take(url, await fetch(url, { method: 'POST', body, redirect: 'manual' }))
    }
    throw new Error(`no button "${label}" on ${this.#url}:\n${this.html}`)
  }

  async #take(url: string, answer: Response): Promise<this> {
    this.#url = url
    this.status = answer.status
    this.html = await answer.text()
    const location = answer.headers.get('location')
    this.location = location === null ? null : new URL(location, url)
    return this
  }
}

interface Form {
  action: string
  inputs: Record<string, string>
  buttons: { name: string; value: string; text: string }[]
}

export const formsIn = (html: string): Form[] =>
  [...html.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)].map(([, opening = '', content = '']) => ({
    action: attribute(opening, 'action'),
    inputs: Object.fromEntries(
      [...content.matchAll(/<input([^>]*)>/g)].map(([, tag = '']) => [attribute(tag, 'name'), attribute(tag, 'value')]),
    ),
    buttons: [...content.matchAll(/<button([^>]*)>(.*?)<\/button>/gs)].map(([, tag = '', text = '']) => ({
      name: attribute(tag, 'name'),
      value: attribute(tag, 'value'),
      text: unescaped(text.replace(/<[^>]*>/g, '').trim()),
    })),
  }))

const attribute = (tag: string, name: string) => unescaped(new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '')

const unescaped = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
