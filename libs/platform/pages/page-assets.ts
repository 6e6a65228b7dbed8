import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Injectable } from '@nestjs/common'

export interface Asset {
  body: string
  contentType: string
}

/** They are not TypeScript, so the compiler leaves them where they are: beside the sources, also when we run from `dist`. */
const FOLDER = new URL('./assets/', import.meta.url.replace('/dist/libs/', '/libs/'))

const ASSETS_PATH = '/assets'

/** The stylesheet, the script and the icon, each named by its content, so that a browser may keep it for ever. */
@Injectable()
export class PageAssets {
  readonly #byName = new Map<string, Asset>()
  readonly stylesheet = this.#load('pages', 'css', 'text/css; charset=utf-8')
  readonly script = this.#load('pages', 'js', 'text/javascript; charset=utf-8')
  readonly icon = this.#load('seal', 'svg', 'image/svg+xml')

  find(name: string): Asset | null {
    return this.#byName.get(name) ?? null
  }

  #load(name: string, kind: string, contentType: string): string {
    const body = readFileSync(new URL(`${name}.${kind}`, FOLDER), 'utf8')
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
    const named = `${name}.${hash}.${kind}`
    this.#byName.set(named, { body, contentType })
    return `${ASSETS_PATH}/${named}`
  }
}
