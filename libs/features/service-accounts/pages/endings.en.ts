/** What is said when a visit ends, or cannot go on like this: what happened, whether anything was changed, what to do. */
export const endings = {
  nothingChanged: 'Nothing was changed.',
  goOn: 'Go on with this request',
  clientUnknown: {
    title: 'This link is not complete',
    happened: 'It does not name a vendor that is registered here.',
    toDo: 'Ask the vendor for a new link, and give them the request id below.',
  },
  redirectRefused: {
    title: 'This link is not safe to follow',
    happened: 'It would send you back to an address that the vendor has not registered here.',
    toDo: 'Do not go on. Tell the vendor, with the request id below: the redirect_uri must be exactly one of the registered ones.',
  },
  notFound: {
    title: 'There is no such request',
    happened: 'This address belongs to no request that we know of. It may have ended long ago.',
    toDo: 'Start again from the vendor’s page.',
  },
  otherBrowser: {
    title: 'This request was opened in another browser',
    happened: 'It can be continued only in the browser in which it was started, with cookies switched on.',
    toDo: 'Go back to that browser, or start again from the vendor’s page.',
  },
  tooManyVisits: {
    title: 'Too many requests from your network',
    happened: 'More links of this kind were opened from where you are than we take in one minute.',
    toDo: 'Wait a minute, then open the link again.',
  },
  expired: {
    title: 'This request has expired',
    happened: 'A request can be answered for 24 hours.',
    toDo: 'Start again from the vendor’s page. What you entered at Google or Microsoft stays valid.',
  },
  alreadyAllowed: {
    title: 'You have already allowed this',
    happened: 'The connection was made and you were sent back to the vendor. A link works once.',
    changed: 'The connection stands as you allowed it; opening this page again changed nothing.',
    toDo: 'Go to the vendor’s page. If it shows no connection, start again there.',
  },
  alreadyDenied: {
    title: 'You have already denied this',
    happened: 'You were sent back to the vendor with your answer. A link works once.',
    toDo: 'If you have changed your mind, start again from the vendor’s page.',
  },
  outOfDate: {
    title: 'That page was out of date',
    happened: 'It was used before, or the request has moved on in another tab.',
    toDo: 'Go on from where the request stands now.',
  },
  foreignForm: {
    title: 'We did not accept this form',
    happened: 'It did not come from our own page.',
    toDo: 'If you came here from our page, go on with the request and try again.',
  },
  returnUsed: {
    title: 'This way back was used already',
    happened: 'The answer from the provider belongs to an earlier attempt, or took longer than an hour.',
    toDo: 'Go on with the request and sign in again.',
  },
  signInDeclined: {
    title: 'You did not sign in',
    happened: 'The sign-in was cancelled, so we do not know which organisation you speak for.',
    toDo: 'Go on with the request and sign in, or deny the request there.',
  },
  signInFailed: {
    title: 'The sign-in did not work',
    toDo: 'Go on with the request and sign in again.',
  },
  personalAccount: {
    title: 'That is a personal account',
    happened: 'It belongs to no organisation, so it cannot speak for one.',
    toDo: 'Go on with the request and sign in with your administrator account at work.',
  },
  notAdministrator: {
    title: 'That account is not an administrator',
    happened: (account: string) =>
      `You signed in as ${account}. Only an administrator of the organisation can answer this request.`,
    toDo: 'Go on with the request and sign in with an administrator’s account, or ask an administrator to open the vendor’s link.',
  },
  consentDeclined: {
    title: 'The permissions were not granted',
    happened: 'Microsoft told us that its page was left without Accept.',
    toDo: 'Go on with the request and press Accept at Microsoft, or deny the request there.',
  },
  consentNeedsAdministrator: {
    title: 'Microsoft wants another administrator',
    happened: 'The account you used may not grant permissions for the whole organisation.',
    toDo: 'Go on with the request as a Global Administrator or a Privileged Role Administrator.',
  },
  wrongDirectory: {
    title: 'That account belongs to another directory',
    happened: 'The permissions must be granted by an administrator of the organisation that signed in.',
    toDo: 'Go on with the request, and use the same account on both of Microsoft’s screens.',
  },
  providerDown: {
    title: 'The provider is not answering',
    happened: 'Google or Microsoft could not be reached just now. That says nothing about your settings.',
    toDo: 'Wait a minute, then go on with the request. It stays open for 24 hours.',
  },
  clientChanged: {
    title: 'The vendor’s registration has changed',
    happened: 'Since you opened this page the vendor was switched off here, or its return address was removed.',
    toDo: 'Start again from the vendor’s page, and give them the request id below if that fails too.',
  },
  wayClosed: {
    title: 'This way is closed now',
    happened: 'The operator of this server has removed the credential that this request was relying on.',
    toDo: 'Go on with the request and choose again.',
  },
  badRequest: {
    title: 'We could not read this',
    happened: 'What your browser sent was not what our page would send.',
    toDo: 'Go back and try again.',
  },
  broken: {
    title: 'Something went wrong on our side',
    happened: 'It is not your fault, and it has been written down.',
    toDo: 'Try again in a minute. If it happens twice, tell the vendor the request id below.',
  },
}
