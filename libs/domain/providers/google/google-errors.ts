import type { ProviderError } from '#platform/errors/provider-error.js'
import { type ErrorCircumstances, type ErrorMeaning, PROVIDER_ERRORS, providerError } from '../provider-errors.js'

const MENU = 'Admin console: Security > Access and data control > API controls'

/** Every way in which Google, or our own checks on what Google said, can refuse. `effect` says how far it reaches. */
export const GOOGLE_ERRORS = {
  ...PROVIDER_ERRORS,

  'google.delegation_missing': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The organisation has not delegated access to this service account.',
    fix: `In the organisation's own ${MENU} > Domain-wide delegation, add the service account's numeric client ID with every scope of the list. It is normally effective within minutes, and may take up to 24 hours.`,
  },
  'google.delegation_scope_missing': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The delegation of this service account does not cover every scope that is needed.',
    fix: `In the ${MENU} > Domain-wide delegation, edit the entry and add the missing scopes; also check that the services in question are not restricted there. It is normally effective within minutes, and may take up to 24 hours.`,
  },
  'google.admin_policy_blocked': {
    class: 'permanent',
    effect: 'connection',
    problem: "The organisation's policy blocks this application.",
    fix: `In the ${MENU} > App access control, allow this client ID.`,
  },
  'google.client_org_internal': {
    class: 'permanent',
    effect: 'connection',
    problem: 'This application is restricted to users of the organisation that owns it.',
    fix: 'Use a service account of your own organisation, or have its Google Cloud project made external.',
  },
  'google.domain_policy': {
    class: 'permanent',
    effect: 'connection',
    problem: "The organisation's policy does not let applications use this API.",
    fix: `In the ${MENU}, allow API access for this service.`,
  },

  'google.subject_not_found': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Google does not know this address in the organisation.',
    fix: "Check the address: it must be the person's full primary e-mail address.",
  },
  'google.subject_suspended': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This user is suspended or archived in the organisation.',
    fix: 'Reactivate the user in the Admin console under Directory > Users, or leave the mailbox out.',
  },
  'google.subject_deleted': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This user has been deleted.',
    fix: 'Restore the user in the Admin console, or leave the mailbox out.',
  },
  'google.subject_malformed': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Google does not read this as an e-mail address.',
    fix: 'Use the full primary e-mail address, such as ada@example.com.',
  },
  'google.subject_restricted': {
    class: 'permanent',
    effect: 'mailbox',
    problem: "This user's account is restricted.",
    fix: 'An administrator must lift the restriction on the account.',
  },
  'google.reauth_required': {
    class: 'permanent',
    effect: 'mailbox',
    problem: "The organisation's session policy asks this user to sign in again.",
    fix: 'Ask the person to connect the account again.',
  },
  'google.grant_rejected': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Google refused to issue an access token, for a reason that it does not usually give.',
    fix: 'Check the delegation and the user in the Admin console; if both are in order, ask again later.',
  },

  'google.credential_key_invalid': {
    class: 'fatal',
    effect: 'connection',
    problem:
      "Google no longer accepts the service account's key: it was deleted, disabled or belongs to another account.",
    fix: 'Create a new key for the service account and upload it.',
  },
  'google.credential_unknown_issuer': {
    class: 'fatal',
    effect: 'connection',
    problem: 'Google does not know this service account; it may have been deleted.',
    fix: 'Check that the service account still exists, create a new key and upload it.',
  },
  'google.credential_disabled': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The service account is disabled.',
    fix: 'Enable the service account and its key in Google Cloud under IAM & Admin > Service Accounts.',
  },
  'google.client_deleted': {
    class: 'fatal',
    effect: 'connection',
    problem: "The service account's OAuth client has been deleted.",
    fix: 'Restore it in Google Cloud within 30 days, or create a new service account and upload its key.',
  },
  'google.credential_invalid': {
    class: 'fatal',
    effect: 'connection',
    problem: 'Google does not accept this service account.',
    fix: 'Download a fresh key file from Google Cloud and upload it unchanged.',
  },
  'google.token_creator_missing': {
    class: 'permanent',
    effect: 'operator',
    problem: 'This installation may not sign in the name of the service account.',
    fix: 'Whoever runs this installation should grant its identity the role Service Account Token Creator on the service account, in Google Cloud.',
  },
  'google.workload_identity_refused': {
    class: 'permanent',
    effect: 'operator',
    problem: "Google does not accept the identity of this installation's own platform.",
    fix: 'Whoever runs this installation should check the workload identity pool, its provider and the audience in Google Cloud.',
  },
  'google.workload_identity_unreadable': {
    class: 'retry',
    effect: 'operator',
    problem: "The token of this installation's own platform could not be read.",
    fix: 'Whoever runs this installation should check the file or URL that the workload identity configuration names.',
  },
  'google.clock_skew': {
    class: 'retry',
    effect: 'operator',
    problem: "Google says that this installation's clock is wrong.",
    fix: 'Whoever runs this installation should check that its clock is synchronised (NTP).',
  },
  'google.scope_invalid': {
    class: 'permanent',
    effect: 'operator',
    problem: 'Google does not know one of the scopes that were asked for.',
    fix: 'Whoever runs this installation should report this: a configured scope is empty or misspelt.',
  },

  'google.sign_in_misconfigured': {
    class: 'fatal',
    effect: 'operator',
    problem: 'Google does not accept the OAuth client with which people sign in.',
    fix: 'Whoever runs this installation should check its client ID, client secret and redirect URI in Google Cloud.',
  },
  'google.sign_in_declined': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The sign-in at Google was cancelled or refused.',
    fix: 'Start again and sign in with an administrator of the organisation.',
  },
  'google.sign_in_unproven': {
    class: 'permanent',
    effect: 'mailbox',
    problem: "Google's answer to the sign-in could not be verified.",
    fix: 'Start again from the beginning.',
  },
  'google.not_administrator': {
    class: 'permanent',
    effect: 'connection',
    problem: 'This user is not a super administrator of the organisation.',
    fix: 'Let a super administrator of your Google Workspace do this step; a delegated administrator role is not enough.',
  },
  'google.administrator_unavailable': {
    class: 'permanent',
    effect: 'connection',
    problem:
      'The administrator who authorised this organisation can no longer be used to read its directory and rooms.',
    fix: 'Let another super administrator of the organisation authorise it again.',
  },
  'google.organisation_mismatch': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The domain does not belong to the organisation that answered.',
    fix: 'Sign in with, or name, an administrator whose address is in a verified domain of the organisation.',
  },

  'google.mailbox_outside_organisation': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This address is in none of the verified domains of the organisation.',
    fix: 'Ask only for mailboxes of the organisation that gave its consent.',
  },
  'google.mailbox_mismatch': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The calendar that opened belongs to another mailbox.',
    fix: 'Ask for the primary address of the mailbox.',
  },
  'google.kind_not_granted': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The consent of the organisation does not cover this kind of mailbox.',
    fix: 'Have an administrator authorise people, or rooms, as needed.',
  },
  'google.room_not_found': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The organisation has no room or resource with this address.',
    fix: 'Check the address in the Admin console under Directory > Buildings and resources.',
  },

  'google.calendar_service_off': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Google Calendar is turned off for this user.',
    fix: 'Turn the Calendar service on for this user in the Admin console under Apps > Google Workspace.',
  },
  'google.mail_service_off': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'A Google service that this call needs is turned off for this user.',
    fix: 'Turn the service on for this user in the Admin console under Apps > Google Workspace.',
  },
  'google.scope_insufficient': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The access that was granted does not cover this call.',
    fix: 'Add the missing scope to the domain-wide delegation, or connect again.',
  },
  'google.api_disabled': {
    class: 'permanent',
    effect: 'operator',
    problem: 'A Google API is not enabled in the Cloud project of the service account.',
    fix: 'Enable the Google Calendar API and the Admin SDK API in the Google Cloud project of the service account.',
  },
  'google.directory_admin_required': {
    class: 'permanent',
    effect: 'connection',
    problem: 'This user may not read the directory of the organisation.',
    fix: 'Use an administrator who may read users, domains and resources.',
  },
  'google.not_found': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Google cannot find this calendar, or does not show it to us.',
    fix: 'Check the address, or have the calendar shared with the administrator.',
  },
  'google.request_refused': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Google refused this call.',
    fix: 'Check what the organisation allows for this mailbox; the log of this installation holds the details.',
  },
} as const satisfies Record<string, ErrorMeaning>

export type GoogleErrorKey = keyof typeof GOOGLE_ERRORS

export const googleError = (key: GoogleErrorKey, circumstances?: ErrorCircumstances): ProviderError =>
  providerError('google', key, GOOGLE_ERRORS[key], circumstances)
