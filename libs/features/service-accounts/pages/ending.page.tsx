import type { Frame } from '#platform/pages/document.js'
import { oneLine } from '#platform/pages/outside-text.js'
import { Document } from './document.js'
import { en as t } from './strings.en.js'

/** Every way a visit can end that is not a page of the journey, nor Allow, nor Deny. */
export type EndingName = Exclude<keyof typeof t.ending, 'nothingChanged' | 'goOn'>

export interface EndingProps {
  frame: Frame
  name: EndingName
  /** A sentence from elsewhere that says more exactly what happened, or the account that was used. */
  detail?: string
  /** Where the consent can be continued; absent when it is over, or not theirs. */
  goOnAt?: string
}

/** What happened, whether anything was changed, what to do. */
export function Ending({ frame, name, detail, goOnAt }: EndingProps) {
  const words: EndingWords = t.ending[name]
  return (
    <Document frame={frame} title={words.title} step={null}>
      <h1>{words.title}</h1>
      <p class="lead">{happened(words, detail)}</p>
      <p>{words.changed ?? t.ending.nothingChanged}</p>
      <p>{words.toDo}</p>
      {goOnAt && (
        <a class="button" href={goOnAt}>
          {t.ending.goOn}
        </a>
      )}
    </Document>
  )
}

interface EndingWords {
  title: string
  happened?: string | ((detail: string) => string)
  changed?: string
  toDo: string
}

function happened({ happened: words }: EndingWords, detail = '') {
  const readable = oneLine(detail, 300)
  return typeof words === 'function' ? words(readable) : (words ?? readable)
}
