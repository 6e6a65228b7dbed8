import type { ProviderError } from '#platform/errors/provider-error.js'
import { type ErrorCircumstances, type ErrorMeaning, PROVIDER_ERRORS, providerError } from '../provider-errors.js'

const APPS = 'Microsoft Entra admin center: Enterprise applications'
const REGISTRATION = 'Microsoft Entra admin center: App registrations'
const OPERATOR_REPORT = 'Whoever runs this installation should report this with the details from its log.'

/** Every way in which Microsoft, or our own checks on what Microsoft said, can refuse. `effect` says how far it reaches. */
export const MICROSOFT_ERRORS = {
  ...PROVIDER_ERRORS,

  'microsoft.app_not_in_tenant': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The application is not installed in this organisation.',
    fix: 'Let an administrator grant consent; if that was done just now, wait a minute and check again. With your own registration, check the client ID and the tenant.',
  },
  'microsoft.consent_missing': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The organisation has not consented to this application.',
    fix: 'Let an administrator grant consent; if that was done just now, wait a minute and check again.',
  },
  'microsoft.consent_needs_admin': {
    class: 'permanent',
    effect: 'connection',
    problem: 'Only an administrator can give this consent.',
    fix: 'Let a Global Administrator or a Privileged Role Administrator of the organisation do this step.',
  },
  'microsoft.consent_declined': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The consent was declined at Microsoft.',
    fix: 'Start again and press Accept.',
  },
  'microsoft.consent_wrong_directory': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The account at Microsoft belongs to another directory.',
    fix: 'Start again and sign in with an administrator of the right organisation.',
  },
  'microsoft.permission_missing': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The application lacks a Microsoft Graph permission that this call needs.',
    fix: 'Add the permission to the app registration as an application permission, and let an administrator consent again.',
  },
  'microsoft.app_misconfigured': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The app registration does not list the permissions that are asked for.',
    fix: `In the ${REGISTRATION} > API permissions, add the Microsoft Graph permissions and consent again.`,
  },
  'microsoft.resource_unavailable': {
    class: 'permanent',
    effect: 'connection',
    problem: 'Microsoft Graph or Exchange is not available in this organisation.',
    fix: 'Check that the organisation has Exchange Online and lies in the Microsoft cloud that was chosen.',
  },
  'microsoft.app_disabled': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The application is disabled in this organisation.',
    fix: `In the ${APPS}, open the application and let users sign in to it again (Properties > Enabled).`,
  },
  'microsoft.blocked_by_policy': {
    class: 'permanent',
    effect: 'connection',
    problem: 'A Conditional Access policy blocks this application.',
    fix: 'Exclude the application from the policy, or allow the addresses from which this installation calls.',
  },
  'microsoft.tenant_not_found': {
    class: 'permanent',
    effect: 'connection',
    problem: 'Microsoft knows no organisation by this tenant ID or domain.',
    fix: 'Check the tenant ID or the domain, and that the organisation lies in the Microsoft cloud of the app registration.',
  },
  'microsoft.tenant_mismatch': {
    class: 'permanent',
    effect: 'connection',
    problem: 'Microsoft answered for another organisation than the one that was asked for.',
    fix: 'Start again and sign in with an administrator of the right organisation.',
  },
  'microsoft.wrong_cloud': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The organisation lies in another Microsoft cloud.',
    fix: 'Use an installation or a registration for the cloud in which the organisation lies.',
  },
  'microsoft.no_exchange_in_tenant': {
    class: 'permanent',
    effect: 'connection',
    problem: 'The organisation has no Exchange Online.',
    fix: 'Calendars can be reached once the organisation uses Exchange Online.',
  },

  'microsoft.secret_invalid': {
    class: 'fatal',
    effect: 'connection',
    problem: 'Microsoft does not accept the client secret.',
    fix: 'Paste the value of the secret, not its ID; if the value is lost, create a new client secret.',
  },
  'microsoft.secret_expired': {
    class: 'fatal',
    effect: 'connection',
    problem: 'The client secret has expired.',
    fix: `In the ${REGISTRATION} > Certificates & secrets, create a new client secret and enter its value.`,
  },
  'microsoft.certificate_mismatch': {
    class: 'fatal',
    effect: 'connection',
    problem: 'The certificate does not match the one in the app registration.',
    fix: `In the ${REGISTRATION} > Certificates & secrets, upload the public certificate that belongs to the private key.`,
  },
  'microsoft.certificate_expired': {
    class: 'fatal',
    effect: 'connection',
    problem: 'The certificate has expired, or is not valid yet.',
    fix: 'Create a new certificate, upload it to the app registration, and enter it here with its private key.',
  },
  'microsoft.certificate_revoked': {
    class: 'fatal',
    effect: 'connection',
    problem: 'The certificate has been revoked.',
    fix: 'Create a new certificate, upload it to the app registration, and enter it here with its private key.',
  },
  'microsoft.credential_invalid': {
    class: 'fatal',
    effect: 'connection',
    problem: 'Microsoft does not accept the credential of the application.',
    fix: 'Create a new client secret or certificate for the app registration and enter it.',
  },
  'microsoft.federated_token_missing': {
    class: 'retry',
    effect: 'operator',
    problem: 'The file that should hold the federated token holds none.',
    fix: 'Whoever runs this installation should check that the token file is projected where every process can read it.',
  },
  'microsoft.app_public_client': {
    class: 'fatal',
    effect: 'connection',
    problem: 'The app registration is a public client, which can hold no credential.',
    fix: `In the ${REGISTRATION} > Authentication, register a Web platform and switch public client flows off.`,
  },
  'microsoft.federation_mismatch': {
    class: 'permanent',
    effect: 'operator',
    problem: 'The federated credential does not match what the app registration expects.',
    fix: 'Compare issuer, subject and audience of the federated credential with those of the app registration.',
  },
  'microsoft.app_single_tenant': {
    class: 'fatal',
    effect: 'operator',
    problem: 'The application accepts only users of the organisation that owns it.',
    fix: `In the ${REGISTRATION} > Authentication, allow accounts in any organisational directory.`,
  },
  'microsoft.request_malformed': {
    class: 'fatal',
    effect: 'operator',
    problem: 'Microsoft could not read the request.',
    fix: OPERATOR_REPORT,
  },
  'microsoft.scope_invalid': {
    class: 'fatal',
    effect: 'operator',
    problem: 'Microsoft does not accept the scope that was asked for.',
    fix: OPERATOR_REPORT,
  },
  'microsoft.clock_skew': {
    class: 'retry',
    effect: 'operator',
    problem: "Microsoft says that this installation's clock is wrong.",
    fix: 'Whoever runs this installation should check that its clock is synchronised (NTP).',
  },
  'microsoft.sign_in_unproven': {
    class: 'permanent',
    effect: 'mailbox',
    problem: "Microsoft's answer to the sign-in could not be verified.",
    fix: 'Start again from the beginning.',
  },
  'microsoft.grant_rejected': {
    class: 'permanent',
    effect: 'connection',
    problem: 'Microsoft refused to issue an access token, for a reason that it does not usually give.',
    fix: 'Check the app registration and its consent in this organisation; the log of this installation holds the code.',
  },

  'microsoft.user_not_in_tenant': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This account does not belong to the organisation.',
    fix: 'Sign in with an account of the organisation.',
  },
  'microsoft.user_disabled': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This user is disabled in the organisation.',
    fix: 'Enable the user in the Microsoft 365 admin center (unblock sign-in), or leave the mailbox out. If it is a shared mailbox, grant the application permission MailboxSettings.Read, which shows that.',
  },
  'microsoft.user_not_assigned': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This user is not assigned to the application.',
    fix: `In the ${APPS} > Users and groups, assign the user or a group of theirs.`,
  },
  'microsoft.interaction_required': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Microsoft asks this person to sign in again.',
    fix: 'Sign in again and complete the second factor.',
  },

  'microsoft.mailbox_outside_organisation': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This address is in none of the verified domains of the organisation.',
    fix: 'Ask only for mailboxes of the organisation that gave its consent.',
  },
  'microsoft.mailbox_mismatch': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The calendar that opened belongs to another mailbox.',
    fix: 'Ask for the primary address of the mailbox.',
  },
  'microsoft.kind_not_granted': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The consent of the organisation does not cover this kind of mailbox.',
    fix: 'Have an administrator authorise people, or rooms, as needed.',
  },
  'microsoft.mailbox_access_denied': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Microsoft denies the application access to this mailbox.',
    fix: 'Check that the calendar permission was granted as an application permission, and that the mailbox lies within the scope given to the application in Exchange.',
  },
  'microsoft.mailbox_excluded_by_policy': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'An application access policy of the organisation excludes this mailbox.',
    fix: "Add the mailbox to the policy's security group in Exchange; that can take up to 2 hours to have effect.",
  },
  'microsoft.send_as_denied': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The application may not send as this mailbox.',
    fix: 'Give the application the right to send as this mailbox in Exchange.',
  },
  'microsoft.user_not_found': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The organisation has no user mailbox with this address.',
    fix: "Check the address: it must be a user's or a room's, not that of a group or a distribution list.",
  },
  'microsoft.mailbox_not_found': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This user has no mailbox in Exchange Online.',
    fix: 'Assign an Exchange Online licence; a new mailbox can take an hour to appear, so ask again then.',
  },
  'microsoft.mailbox_not_enabled': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This mailbox is inactive, deleted, or not hosted in Exchange Online.',
    fix: 'Assign an Exchange Online licence, or move the mailbox to Exchange Online.',
  },
  'microsoft.not_found': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Microsoft cannot find what was asked for in this mailbox.',
    fix: 'Check that it still exists.',
  },
  'microsoft.calendar_of_another': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This calendar belongs to another mailbox and was only shared with this one.',
    fix: 'Ask for delegated access to the mailbox that it belongs to.',
  },
  'microsoft.request_refused': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'Microsoft refused this call.',
    fix: 'Check what the organisation allows for this mailbox; the log of this installation holds the details.',
  },
} as const satisfies Record<string, ErrorMeaning>

export type MicrosoftErrorKey = keyof typeof MICROSOFT_ERRORS

export const microsoftError = (key: MicrosoftErrorKey, circumstances?: ErrorCircumstances): ProviderError =>
  providerError('microsoft', key, MICROSOFT_ERRORS[key], circumstances)
