import type { ConnectStopName } from '../connect.errors.js'

/** What a person reads when nothing is connected: what happened, and what to do. */
interface StopWords {
  title: string
  /** `shown` is what more there is to say, see `ConnectStop.shown`. */
  happened: string | ((shown: string) => string)
  /** What became of it, where that is not "nothing was connected". */
  changed?: string
  toDo: string
}

/** Stops, and what else can go wrong with a page. */
export type StopPageName = ConnectStopName | 'tooManyVisits' | 'badRequest' | 'broken'

const START_AGAIN = 'Go back to the app that sent you here, and start again.'

export const stops: Record<StopPageName, StopWords> = {
  declined: {
    title: 'You did not allow the access',
    happened: 'You left the page on which it could have been allowed.',
    toDo: 'If that was a mistake, try again.',
  },
  partial: {
    title: 'Something was left out',
    happened: 'The app needs all that it asked for, and one or more boxes were not ticked.',
    toDo: 'Try again, and leave every box ticked. If you do not want that, do not connect.',
  },
  wrongAccount: {
    title: 'That was another account',
    happened: (shown) =>
      shown
        ? `You signed in as ${shown}, and the app asked for a different account.`
        : 'The app asked for a different account.',
    toDo: 'Try again, and choose the account that the app asked for.',
  },
  wouldLose: {
    title: 'This account is connected for more',
    happened: 'What you allowed this time covers only a part of it.',
    changed: 'Nothing was changed.',
    toDo: START_AGAIN,
  },
  beingTakenBack: {
    title: 'That was too soon',
    happened: 'This account was being disconnected at the same moment, and what you allowed may have ended with it.',
    toDo: 'Wait a few seconds, then try again.',
  },
  noRefreshToken: {
    title: 'The access would have ended at once',
    happened: 'Your provider allowed it only for the moment.',
    toDo: 'Try again. If it happens twice, remove the app in the settings of your account first.',
  },
  expired: {
    title: 'This took too long',
    happened: 'For your safety a sign-in has to be finished within twenty minutes.',
    toDo: START_AGAIN,
  },
  used: {
    title: 'This page was used already',
    happened: 'A sign-in works once. If it worked, your account is connected.',
    changed: 'Opening this page again changed nothing.',
    toDo: 'Go back to the app. If it shows no connection, start again there.',
  },
  failed: {
    title: 'The sign-in did not work',
    happened: (shown) => shown || 'Your provider did not confirm who you are.',
    toDo: 'Try again. If it happens twice, tell the people behind the app the request id below.',
  },
  providerDown: {
    title: 'Your provider is not answering',
    happened: 'Google or Microsoft could not be reached just now. It is not your fault.',
    toDo: 'Wait a minute, then try again.',
  },
  notSetUp: {
    title: 'This is not set up yet',
    happened: 'Nobody can sign in at this provider here. It is not your fault.',
    toDo: 'Tell the people behind the app, with the request id below.',
  },
  clientChanged: {
    title: 'The app has changed meanwhile',
    happened: 'Since you left for the sign-in, the app was switched off here, or its address was changed.',
    toDo: START_AGAIN,
  },
  otherBrowser: {
    title: 'This was started in another browser',
    happened: 'A sign-in can be finished only in the browser in which it was started, with cookies switched on.',
    toDo: 'Go back to that browser, or start again in the app.',
  },
  unknown: {
    title: 'There is no such sign-in',
    happened: 'This address belongs to none that we know of. It may have ended long ago.',
    toDo: START_AGAIN,
  },
  clientUnknown: {
    title: 'This link is not complete',
    happened: 'It does not name an app that is registered here.',
    toDo: 'Tell the people behind the app, with the request id below.',
  },
  redirectRefused: {
    title: 'This link is not safe to follow',
    happened: 'It would send you on to an address that the app has not registered here.',
    toDo: 'Do not go on. Tell the people behind the app, with the request id below.',
  },
  outOfDate: {
    title: 'That page was out of date',
    happened: 'It was used before, or you have gone on in another tab.',
    toDo: 'Go on from where it stands now.',
  },
  foreignForm: {
    title: 'We did not accept this form',
    happened: 'It did not come from our own page.',
    toDo: 'If you came here from our page, go on and try again.',
  },
  tooManyVisits: {
    title: 'Too many requests from your network',
    happened: 'More links of this kind were opened from where you are than we take in one minute.',
    toDo: 'Wait a minute, then open the link again.',
  },
  badRequest: {
    title: 'We could not read this',
    happened: 'What your browser sent was not what our page would send.',
    toDo: START_AGAIN,
  },
  broken: {
    title: 'Something went wrong on our side',
    happened: 'It is not your fault, and it has been written down.',
    changed: 'We cannot say whether anything was connected: the app can.',
    toDo: 'Start again in the app in a minute. If it happens twice, tell the people behind it the request id below.',
  },
}
