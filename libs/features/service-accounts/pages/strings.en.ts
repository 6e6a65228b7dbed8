import type { DelegatedPermission } from '#domain/providers/delegated-scopes.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { endings } from './endings.en.js'

/**
 * Every sentence of the administrator's pages. A second language is a second pair of files like this and `endings.en`.
 * The reader is an IT administrator who has never heard of us, is careful by profession, and has ten minutes.
 */
export const en = {
  frame: {
    steps: { ask: 'Who is asking', prepare: 'Prepare', check: 'Check', decide: 'Decide' },
    stepOf: (step: number, label: string) => `Step ${step} of 4: ${label}`,
    progress: 'Progress',
    about: (brokerHost: string) =>
      `You are on ${brokerHost}, a Mandate server. It stands between the vendor and your calendars, keeps the credentials, and lets nothing through that you have not allowed.`,
    back: 'Back',
    deny: (client: string) => `Deny and return to ${client}`,
    copy: 'Copy',
    copied: 'Copied',
    copyFailed: 'Select it and copy by hand',
  },

  provider: { google: 'Google Workspace', microsoft: 'Microsoft 365' } satisfies Record<ProviderName, string>,
  vendor: { google: 'Google', microsoft: 'Microsoft' } satisfies Record<ProviderName, string>,

  permission: {
    list_calendars: 'See which calendars there are',
    read_free_busy: 'See when somebody is busy or free',
    read_events: 'Read events: title, time, place, participants, description',
    change_participation_status: 'Answer invitations',
    create_event: 'Create and change events',
    delete_event: 'Delete events',
    create_calendar: 'Create new calendars',
  } satisfies Record<DelegatedPermission, string>,

  mayNot: {
    readEvents: 'Read what an event is about',
    changeEvents: 'Create, change or delete events',
    deleteEvents: 'Delete events',
    people: 'Reach the calendars of people',
    rooms: 'Reach the calendars of rooms',
    otherData: 'Read mail, files or contacts',
    accounts: 'Sign in as anybody, or change accounts, passwords or settings',
  },

  whose: {
    people: 'People',
    rooms: 'Rooms',
    peopleAndRooms: 'People and rooms',
  },

  /** As Microsoft's consent screen words them. */
  microsoftWording: {
    'Calendars.ReadBasic.All': 'Read basic details of calendars in all mailboxes',
    'Calendars.Read': 'Read calendars in all mailboxes',
    'Calendars.ReadWrite': 'Read and write calendars in all mailboxes',
    'User.Read.All': 'Read all users’ full profiles',
    'Organization.Read.All': 'Read organization information',
    'Place.Read.All': 'Read all company places',
  } as Record<string, string>,

  ask: {
    title: (client: string) => `${client} asks for access to your organisation’s calendars`,
    intro: (client: string) =>
      `You decide, as an administrator, in four steps. ${client} gets nothing before you press Allow in the last one, and you can leave at any time.`,
    who: 'Asked by',
    returnsTo: 'Returns to',
    notTheProvider: 'This request comes from the vendor named here, not from Google or Microsoft.',
    whose: 'Whose calendars',
    may: 'It will be able to',
    mayNot: 'It will not be able to',
    choose: 'Where are your calendars?',
    operatorWay: {
      google: 'You sign in as an administrator and add one entry to the Admin console.',
      microsoft: 'You sign in as an administrator and grant the permissions on Microsoft’s page.',
    },
    ownWayOnly: {
      google: 'You bring a service account key of your own Google Cloud project.',
      microsoft: 'You bring an app registration of your own directory.',
    },
    continueWith: { google: 'Continue with Google Workspace', microsoft: 'Continue with Microsoft 365' },
    bringOwn: { google: 'Use our own Google service account', microsoft: 'Use our own app registration' },
    bringOwnHint: 'For organisations that keep the credential in their own hands.',
  },

  google: {
    title: 'Add one entry in the Google Admin console',
    intro: (client: string) =>
      `Google calls this domain-wide delegation. It lets this server act on calendars with exactly the scopes below; ${client} gets none of it until you allow it here.`,
    open: 'Open the Admin console as a super administrator, in another tab: admin.google.com',
    path: ['Security', 'Access and data control', 'API controls', 'Manage domain-wide delegation', 'Add new'],
    goTo: 'Go to',
    paste:
      'Paste these two values and press Authorise. If the client ID is there already, edit that entry and add the missing scopes.',
    clientId: 'Client ID',
    scopes: 'OAuth scopes',
    scopesHint: 'Separated by commas, as the console wants them.',
    why: 'What each scope is for',
    wider: (client: string) =>
      `Where one of Google’s scopes is wider than what you were shown, this server still holds ${client} to what you were shown.`,
    scopeColumn: 'Scope',
    reasonColumn: 'Needed to',
    wait: 'Google usually needs a few minutes until the entry works, and at most a day. You can close this page and come back within 24 hours, in the same browser.',
    submit: 'I have added it: sign in and check',
    submitHint:
      'You sign in with Google so that we know which organisation you speak for. We see your name and address, nothing else.',
  },

  microsoft: {
    title: 'Sign in at Microsoft and grant the permissions',
    intro: 'Microsoft will show you two screens, one after the other.',
    first: {
      title: 'Sign in',
      text: 'Tells us which organisation you speak for and that you are its administrator. Use an account that may grant permissions for everyone, for example a Global Administrator or a Privileged Role Administrator.',
    },
    second: {
      title: 'Grant the permissions',
      text: 'Microsoft lists the permissions below, for the whole organisation. Nobody can act on a calendar before you accept.',
    },
    permissions: 'What Microsoft will list',
    permissionColumn: 'Microsoft’s name',
    reasonColumn: 'Needed to',
    wider: (client: string) =>
      `Where one of Microsoft’s permissions is wider than what you were shown, this server still holds ${client} to what you were shown.`,
    afterwards: (client: string) =>
      `Then you come back here. We check that everything works, and you decide whether ${client} may use it.`,
    submit: 'Go to Microsoft and sign in',
  },

  own: {
    keptSafe: 'It is encrypted before it is stored, used only for this connection, and never shown again.',
    alreadyGiven: 'We still have the one you gave. Leave this empty to keep it.',
    problem: 'Something is missing',
    submit: 'Check what I entered',
    guide: 'How to make one that can do no more than it must',
    google: {
      title: 'Use your own Google service account',
      intro:
        'A service account of a Google Cloud project of yours, with domain-wide delegation. The guide lists the scopes.',
      keyFile: 'Service account key, as the JSON file that Google Cloud gave you',
      keyText: 'or paste the content of that file',
      mailbox: 'A super administrator’s address',
      mailboxHint: 'We act as this mailbox to check the delegation, and read the directory and the rooms through it.',
      commandsIntro: 'In Google Cloud Shell. The service account needs no role in the project.',
      commands: (account: string) =>
        [
          'gcloud services enable calendar-json.googleapis.com admin.googleapis.com',
          `gcloud iam service-accounts create ${account}`,
          `ACCOUNT=${account}@$(gcloud config get-value project).iam.gserviceaccount.com`,
          'gcloud iam service-accounts keys create key.json --iam-account=$ACCOUNT',
          "gcloud iam service-accounts describe $ACCOUNT --format='value(oauth2ClientId)'",
        ].join('\n'),
      delegation:
        'The last command prints the client ID. Add it in the Admin console under Security, Access and data control, API controls, Manage domain-wide delegation, with these scopes and no others:',
      unit: 'Narrower still: take a project that holds nothing else. The delegation is limited by its scopes and not by organisational units, but people in a unit where the Calendar service is off stay out of reach.',
    },
    microsoft: {
      title: 'Use your own app registration',
      intro: 'An app registration in your directory, with application permissions that an administrator has granted.',
      tenant: 'Directory (tenant) ID, or a verified domain',
      clientId: 'Application (client) ID',
      proof: 'How the application proves itself',
      bySecret: 'Client secret',
      byCertificate: 'Certificate',
      secret: 'Client secret value',
      secretHint: 'The value, not the secret ID.',
      secretExpires: 'Day on which the secret expires',
      secretExpiresHint:
        'As Entra shows it beside the secret. Optional: whoever asks for access is then warned 30, 14, 7 and 1 days before.',
      certificate: 'Certificate, in PEM',
      key: 'Its private key, in PEM',
      pfx: 'Or both in one PFX file',
      password: 'Password of the private key or the PFX file',
      passwordHint: 'Leave it empty where there is none.',
      mailbox: 'A mailbox to try',
      mailboxHint: 'We open its calendar once to see that it works, for example your own.',
      permissions: 'Application permissions, all of Microsoft Graph:',
      rbac: 'Narrower, and our advice: do not grant the Calendars permission for the whole directory. Grant it to chosen mailboxes with Exchange’s RBAC for Applications. Members of the group are then all that can be reached.',
      commands: (role: string) =>
        [
          'Connect-ExchangeOnline',
          '$app = "APPLICATION-CLIENT-ID"',
          '$object = "OBJECT-ID-OF-THE-ENTERPRISE-APPLICATION"',
          '$group = (Get-Group "GROUP-NAME").DistinguishedName',
          'New-ServicePrincipal -AppId $app -ObjectId $object -DisplayName "Mandate"',
          `New-ManagementScope -Name "Mandate mailboxes" -RecipientRestrictionFilter "MemberOfGroup -eq '$group'"`,
          `New-ManagementRoleAssignment -App $object -Role "${role}" -CustomResourceScope "Mandate mailboxes"`,
          'Test-ServicePrincipalAuthorization -Identity $app -Resource "someone@your-domain.example"',
        ].join('\n'),
      commandsIntro: 'In Exchange Online PowerShell:',
    },
  },

  /** What only this form can see; how a key, an address or a certificate must look is said where it is read. */
  field: {
    keyRequired: 'Choose the key file, or paste its content.',
    keyTwice: 'Give either the file or the text, not both.',
    dayRequired: 'Enter a day as YYYY-MM-DD, like 2027-01-31, or leave it empty.',
    dayIsOver: 'Enter a day that lies ahead. A secret that expires today or has expired needs a new one first.',
    addressRequired: 'Enter a full e-mail address, like admin@your-domain.example.',
  },

  check: {
    title: (vendor: string) => `Checking what ${vendor} lets us do`,
    intro: 'Each line is a real call, made now. Nothing is changed by it.',
    steps: 'Results',
    waiting: (vendor: string) => `Waiting for ${vendor} to answer. Some answers take up to half a minute.`,
    passed: 'Works',
    failed: 'Does not work',
    notChecked: 'Not checked',
    commands: 'The same in PowerShell, for an Exchange administrator',
    whatToDo: 'What to do:',
    key: 'Error',
    allPassed: 'Everything works',
    allPassedText: (organisation: string) =>
      `This is ${organisation}. The decision is next; nothing has been allowed yet.`,
    goOn: 'Go on to the decision',
    somethingFailed: 'Not yet',
    somethingFailedText: {
      google:
        'Nothing was lost: put the marked line right, then try again. A new delegation entry can need some minutes at Google.',
      microsoft:
        'Nothing was lost: put the marked line right, then try again. A new grant can need some minutes at Microsoft.',
    },
    outage: (vendor: string) => `${vendor} did not answer`,
    outageText: 'That says nothing about your settings, and nothing was changed. Wait a minute, then try again.',
    brokenOff: 'The check stopped on our side',
    brokenOffText: 'Nothing was changed. Try again; if it happens twice, tell the vendor the request id below.',
    overtaken: 'This request moved on meanwhile',
    overtakenText: 'Something was changed in another tab while the check ran, so its result counts for nothing.',
    otherMailbox: 'Try another mailbox',
    otherMailboxHint: 'An address of your organisation whose calendar we may open once, if your own account has none.',
    tryOtherMailbox: 'Check with this mailbox',
    tryAgain: 'Try again',
    change: 'Back to the instructions',
    changeOwn: 'Change what I entered',
  },

  decide: {
    title: (client: string) => `Allow ${client}?`,
    intro: (client: string, organisation: string) =>
      `If you allow it, ${client} can connect calendars of ${organisation} until you withdraw it.`,
    organisation: 'Organisation',
    client: 'Asked by',
    returnsTo: 'Returns to',
    whose: 'Whose calendars',
    administrator: { 'sign-in': 'Signed in as', possession: 'Checked with mailbox' },
    credential: 'Credential',
    credentialSource: {
      operator: (brokerHost: string) => `Of this server, ${brokerHost}`,
      customer: 'Your own, encrypted here',
    },
    may: 'It will be able to',
    mayNot: 'It will not be able to',
    withdraw: 'You can withdraw this at any time',
    withdrawText: {
      operator: {
        google:
          'Remove the client ID in the Google Admin console: Security, Access and data control, API controls, Manage domain-wide delegation. That ends it for every vendor that works through this server; to end it for this one alone, ask the vendor to disconnect.',
        microsoft:
          'Delete the application in the Microsoft Entra admin centre: Identity, Applications, Enterprise applications. That ends it for every vendor that works through this server; to end it for this one alone, ask the vendor to disconnect.',
      },
      customer: {
        google:
          'Delete the key in Google Cloud, or remove the client ID in the Google Admin console under Manage domain-wide delegation.',
        microsoft:
          'Delete the app registration’s secret or certificate, or its enterprise application, in the Microsoft Entra admin centre.',
      },
    },
    allow: (client: string) => `Allow ${client}`,
    deny: (client: string) => `Deny ${client}`,
    afterwards: (host: string) => `Either way you return to ${host}.`,
  },

  ending: endings,
}
