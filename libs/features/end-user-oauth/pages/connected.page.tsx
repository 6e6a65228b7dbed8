import type { Frame } from '#platform/pages/document.js'
import { PersonDocument } from './person-document.js'
import { en as t } from './strings.en.js'

/** The end of the way where the client has named no address to go on to. */
export const ConnectedPage = ({ frame, clientName }: { frame: Frame; clientName: string }) => (
  <PersonDocument frame={frame} title={t.connected.title}>
    <p class="lead">{t.connected.happened(clientName)}</p>
    <p>{t.connected.toDo}</p>
  </PersonDocument>
)
