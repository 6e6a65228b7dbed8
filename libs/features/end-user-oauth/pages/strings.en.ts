import type { DelegatedPermission } from '#domain/providers/delegated-scopes.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { stops } from './stops.en.js'

/**
 * Every sentence that a person reads who connects an account. A second language is a second pair of files like this and
 * `stops.en`. The reader wants to get on with something else, perhaps on a phone, and knows none of our words.
 */
export const en = {
  about: (brokerHost: string) =>
    `You are on ${brokerHost}, a Mandate server. It keeps the connection between your account and the app, so that the app never sees your password.`,

  provider: { google: 'Google', microsoft: 'Microsoft' } satisfies Record<ProviderName, string>,

  permission: {
    list_calendars: 'See which calendars you have',
    read_free_busy: 'See when you are busy or free',
    read_events: 'Read your events: title, time, place, participants, description',
    change_participation_status: 'Answer invitations for you',
    create_event: 'Create and change events',
    delete_event: 'Delete events',
    create_calendar: 'Create new calendars',
  } satisfies Record<DelegatedPermission, string>,

  mayNot: {
    readEvents: 'Read what an event is about',
    changeEvents: 'Create, change or delete events',
    deleteEvents: 'Delete events',
    otherData: 'Read your mail, files or contacts',
    password: 'See your password',
  },

  pick: {
    title: (client: string) => `Connect your calendar to ${client}`,
    intro: (client: string) => `${client} asks for access to your calendar. Nothing is connected yet.`,
    who: 'Asked by',
    returnsTo: 'Returns to',
    account: 'With the account',
    may: 'It will be able to',
    mayNot: 'It will not be able to',
    where: 'Where is your calendar?',
    whereHint: 'You sign in there, and there you allow it or not.',
    go: { google: 'Continue with Google', microsoft: 'Continue with Microsoft' } satisfies Record<ProviderName, string>,
    product: {
      google: 'Google Calendar, at work or private',
      microsoft: 'Outlook or Microsoft 365, at work or private',
    } satisfies Record<ProviderName, string>,
    leave: (client: string) => `Do not connect, return to ${client}`,
  },

  takeBack: (client: string) =>
    `You can disconnect at any time in ${client}, or in the settings of your Google or Microsoft account.`,

  connected: {
    title: 'Your account is connected',
    happened: (client: string, account: string) => `${client} can use ${account} now.`,
    toDo: 'You can close this window.',
  },

  stop: {
    again: 'Try again',
    goOn: 'Go on',
    nothingConnected: 'Nothing was connected.',
    backTo: (client: string) => `Return to ${client}`,
    backWithout: (client: string) => `Return to ${client} without connecting`,
    missing: 'Not allowed was:',
  },

  stops,
}
