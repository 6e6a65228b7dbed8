import { type HTMLElement, parse } from 'node-html-parser'
import { CookieJar } from 'tough-cookie'

export interface Page {
  url: URL
  status: number
  document: HTMLElement
}

export type Fields = Record<string, string | Blob | null>

const MOST_REDIRECTS = 20

/** A browser without scripts and pictures: follows redirects, keeps cookies, reads pages and sends their forms. */
export class PlainBrowser {
  readonly #cookies = new CookieJar()

  /** @param leavesFor a URL prefix at which to stop without asking for it: where the browser would leave the stage */
  constructor(private readonly leavesFor: string) {}

  open(url: string | URL): Promise<Page> {
    return this.#go(new URL(url), {})
  }

  /**
   * Fills in the form that has a button so called, and presses the button.
   * @param fields replaces or adds values, null leaves one out; a page's own values stay
   */
  submit({ document, url }: Page, button: string | RegExp, fields: Fields = {}): Promise<Page> {
    const pressed = document.querySelectorAll('button, input[type=submit]').find((each) => labelled(each, button))
    const form = pressed?.closest('form')
    if (!pressed || !form) throw new Error(`No form with a button "${button}" on ${url}:\n${visibleText(document)}`)
    const action = new URL(pressed.getAttribute('formaction') ?? form.getAttribute('action') ?? '', url)
    const filledIn: Fields = { ...valuesOf(form), ...nameAndValue(pressed), ...fields }
    const entries = Object.entries(filledIn).filter((entry): entry is [string, string | Blob] => entry[1] !== null)
    if (form.getAttribute('method')?.toLowerCase() !== 'post') {
      for (const [name, value] of entries) action.searchParams.set(name, String(value))
      return this.#go(action, {})
    }
    return this.#go(action, { method: 'POST', body: bodyOf(form, entries) })
  }

  async #go(target: URL, request: RequestInit): Promise<Page> {
    let [url, next] = [target, request]
    for (let hop = 0; hop < MOST_REDIRECTS; hop++) {
      if (url.href.startsWith(this.leavesFor)) return { url, status: 0, document: parse('') }
      const cookie = await this.#cookies.getCookieString(url.href)
      const answer = await fetch(url, { ...next, redirect: 'manual', headers: cookie ? { cookie } : {} })
      for (const header of answer.headers.getSetCookie()) await this.#cookies.setCookie(header, url.href)
      const location = answer.headers.get('location')
      const text = await answer.text()
      if (answer.status < 300 || answer.status > 399 || !location)
        return { url, status: answer.status, document: parse(text) }
      if (answer.status === 307 || answer.status === 308) throw new Error(`${url} repeats a POST elsewhere`)
      ;[url, next] = [new URL(location, url), {}]
    }
    throw new Error(`${target} redirects without end`)
  }
}

export const visibleText = (document: HTMLElement) => (document.querySelector('main') ?? document).structuredText.trim()

function labelled(button: HTMLElement, label: string | RegExp): boolean {
  const text = (button.structuredText || button.getAttribute('value') || '').trim()
  return typeof label === 'string' ? text === label : label.test(text)
}

function valuesOf(form: HTMLElement): Record<string, string> {
  const values: Record<string, string> = {}
  for (const field of form.querySelectorAll('input, textarea, select')) {
    const { name, type, value } = { type: 'text', value: '', ...field.attributes } as Record<string, string>
    const isUnchecked = (type === 'checkbox' || type === 'radio') && !field.hasAttribute('checked')
    if (!name || type === 'submit' || type === 'file' || isUnchecked) continue
    if (field.tagName === 'TEXTAREA') values[name] = field.text
    else if (field.tagName === 'SELECT') values[name] = chosenIn(field)
    else values[name] = value ?? ''
  }
  return values
}

const chosenIn = (select: HTMLElement) =>
  (select.querySelector('option[selected]') ?? select.querySelector('option'))?.getAttribute('value') ?? ''

function nameAndValue(button: HTMLElement): Record<string, string> {
  const name = button.getAttribute('name')
  return name ? { [name]: button.getAttribute('value') ?? '' } : {}
}

function bodyOf(form: HTMLElement, entries: [string, string | Blob][]): URLSearchParams | FormData {
  if (form.getAttribute('enctype') !== 'multipart/form-data')
    return new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))
  const body = new FormData()
  for (const [name, value] of entries) body.append(name, value)
  return body
}
