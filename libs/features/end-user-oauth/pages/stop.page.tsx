import type { Asker } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import { oneLine } from '#platform/pages/outside-text.js'
import { PersonDocument } from './person-document.js'
import type { StopPageName } from './stops.en.js'
import { en as t } from './strings.en.js'

export interface StopProps {
  frame: Frame
  name: StopPageName
  /** See `ConnectStop.shown`. */
  shown?: string | undefined
  /** At the provider: the same once more. */
  againAt?: string | undefined
  /** On a page of ours: where the sign-in stands now. */
  goOnAt?: string | undefined
  /** The client, with what went wrong as its `error`. */
  back?: { asker: Asker; at: string } | undefined
}

/** What happened, whether anything was connected, and one button for what to do. */
export function StopPage({ frame, name, shown, againAt, goOnAt, back }: StopProps) {
  const { title, happened, changed, toDo } = t.stops[name]
  const readable = oneLine(shown ?? '', 300)
  const first = againAt ?? goOnAt
  return (
    <PersonDocument frame={frame} title={title}>
      <p class="lead">{typeof happened === 'function' ? happened(readable) : happened}</p>
      {name === 'partial' && readable !== '' && (
        <p>
          {t.stop.missing} <strong>{readable}</strong>
        </p>
      )}
      <p>{changed ?? t.stop.nothingConnected}</p>
      <p>{toDo}</p>
      {first && (
        <a class="button" href={first}>
          {againAt ? t.stop.again : t.stop.goOn}
        </a>
      )}
      {back && (
        <p class={first ? 'ways-back' : undefined}>
          <a class={first ? undefined : 'button'} href={back.at}>
            {first ? t.stop.backWithout(back.asker.name) : t.stop.backTo(back.asker.name)}
          </a>
        </p>
      )}
    </PersonDocument>
  )
}
