import { MORGEN_PROVIDERS, type MorgenProviderId } from '../dialects.js'

/** Drawn for Mandate: a sheet of a calendar, and a letter in a colour. */
const icon = (letter: string, colour: string) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">
<rect x="6" y="9" width="36" height="33" rx="5" fill="#fff" stroke="${colour}" stroke-width="3"/>
<path d="M6 19h36" stroke="${colour}" stroke-width="3"/>
<path d="M16 5v8M32 5v8" stroke="${colour}" stroke-width="3" stroke-linecap="round"/>
<text x="24" y="37" font-family="sans-serif" font-size="16" font-weight="700" text-anchor="middle" fill="${colour}">${letter}</text>
</svg>
`

const ABOUT: Record<MorgenProviderId, { displayName: string; company: string; icon: string }> = {
  google: { displayName: 'Google Calendar', company: 'Google', icon: icon('G', '#1a73e8') },
  o365: { displayName: 'Office 365', company: 'Microsoft', icon: icon('M', '#0f6cbd') },
}

/** The providers that people may connect an account of, with what a page that offers them needs to show. */
export const MORGEN_INTEGRATIONS = (Object.keys(MORGEN_PROVIDERS) as MorgenProviderId[]).map((id, index) => {
  const { displayName, company, icon } = ABOUT[id]
  return {
    id,
    groups: ['calendars'],
    displayName,
    authenticationType: 'oauth',
    authDescription: `We will redirect you to your browser for the authentication with ${company}.`,
    description: `Manage your ${displayName}${displayName.endsWith('Calendar') ? '' : ' calendar'}.`,
    // The guide has 1 for o365.
    priority: index,
    iconData: Buffer.from(icon).toString('base64'),
  }
})

export const MORGEN_GROUPS = [{ displayName: 'Calendars', type: 'calendars' }]
