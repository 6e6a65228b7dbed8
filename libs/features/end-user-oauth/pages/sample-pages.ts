import { askerOf } from '#platform/pages/asker.js'
import { type Frame, renderPage } from '#platform/pages/document.js'
import { ConnectedPage } from './connected.page.js'
import { PickProviderPage } from './pick-provider.page.js'
import { StopPage } from './stop.page.js'
import type { StopPageName } from './stops.en.js'
import { en as t } from './strings.en.js'

/** Data from outside, as it ends up on the pages. */
export interface Outside {
  clientName: string
  redirectUri: string
  loginHint: string
}

export const ORDINARY: Outside = {
  clientName: 'Acme Scheduler',
  redirectUri: 'https://app.acme.test/connected',
  loginHint: 'anna@acme.test',
}

/** Every page in every state worth looking at. */
export function samplePages(frame: Frame, outside: Outside = ORDINARY): Record<string, string> {
  const asker = askerOf({ name: outside.clientName }, outside.redirectUri)
  const picking = { frame, path: '/oauth/connect/sig_0123456789abcdef01234567', csrf: 'token', asker }
  const back = { asker, at: '/back' }
  const pages: Record<string, string> = {
    'pick-both': renderPage(
      PickProviderPage({
        ...{ ...picking, scope: ['read_write'], loginHint: outside.loginHint, providers: ['google', 'microsoft'] },
      }),
    ),
    'pick-one': renderPage(
      PickProviderPage({ ...picking, scope: ['free_busy'], loginHint: null, providers: ['google'] }),
    ),
    connected: renderPage(ConnectedPage({ frame, clientName: asker.name, account: outside.loginHint })),
  }
  for (const name of Object.keys(t.stops) as StopPageName[]) {
    const shown = outside.loginHint
    pages[`stop-${name}`] = renderPage(StopPage({ frame, name, shown, againAt: '/again', back }))
    pages[`stop-${name}-alone`] = renderPage(StopPage({ frame, name }))
  }
  return pages
}
