import type { Frame } from '#platform/pages/document.js'
import { oneLine } from '#platform/pages/outside-text.js'
import { PersonDocument } from './person-document.js'
import { en as t } from './strings.en.js'

/** The end of the way where the client has named no address to go on to: which account it was, and that it can be taken back. */
export const ConnectedPage = (props: { frame: Frame; clientName: string; account: string }) => (
  <PersonDocument frame={props.frame} title={t.connected.title}>
    <p class="lead">{t.connected.happened(props.clientName, oneLine(props.account, 254))}</p>
    <p>{t.takeBack(props.clientName)}</p>
    <p>{t.connected.toDo}</p>
  </PersonDocument>
)
