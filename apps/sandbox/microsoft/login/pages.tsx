import type { FastifyReply } from 'fastify'
import { sandboxPage } from '../../core/sandbox-page.js'
import type { AadstsError } from '../aadsts.js'
import type { MicrosoftWorld } from '../microsoft-world.js'
import type { Tenant, User } from '../tenant.js'

/** Enough to choose from; anybody else can be typed in. */
const SHOWN_PER_TENANT = 8

const STANDS_IN_FOR = 'Microsoft'

export interface SignInPage {
  /** Where the forms go: the page's own URL, query and all, so that nothing has to be remembered between the steps. */
  action: string
  appName: string
  /** What signing in here leads to, as the page's sentence. */
  purpose: string
  /** Null for any. */
  tenant: Tenant | null
  loginHint: string
  problem?: string
}

export const sendPage = (reply: FastifyReply, html: string, status = 200) =>
  reply.code(status).type('text/html; charset=utf-8').send(html)

export function signInPage(
  world: MicrosoftWorld,
  { action, appName, purpose, tenant, loginHint, problem }: SignInPage,
): string {
  const tenants = tenant ? [tenant] : world.tenants
  return sandboxPage({
    title: 'Sign in',
    standsInFor: STANDS_IN_FOR,
    children: (
      <>
        <h1>Sign in</h1>
        <p>
          to continue to <strong>{appName}</strong>
        </p>
        <p class="quiet">{purpose}</p>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <form method="post" action={action}>
          {tenants.map((one) => (
            <>
              <h2>{one.displayName}</h2>
              <ul class="plain">
                {accountsToShow(one).map((user) => (
                  <li>
                    <button type="submit" class="row" name="account" value={user.upn}>
                      <strong>{user.displayName}</strong>
                      <br />
                      <span class="quiet">
                        {[user.upn, ...user.roles, ...(user.accountEnabled ? [] : ['blocked'])].join(' · ')}
                      </span>
                    </button>
                  </li>
                ))}
              </ul>
            </>
          ))}
        </form>
        <form method="post" action={action}>
          <label for="account">Another account</label>
          <input id="account" type="email" name="account" value={loginHint} autocomplete="username" required />
          <div class="actions">
            <button type="submit">Next</button>
          </div>
        </form>
        <form method="post" action={action}>
          <div class="actions">
            <button type="submit" class="second" name="cancel" value="true">
              Cancel
            </button>
          </div>
        </form>
      </>
    ),
  })
}

const accountsToShow = (tenant: Tenant): User[] => tenant.users.filter((user) => !user.room).slice(0, SHOWN_PER_TENANT)

/** Where Microsoft keeps the browser: a refusal that never goes back to the app. */
export function refusalPage({ code, message }: AadstsError, again?: { action: string }): string {
  const needsAdmin = code === 90094
  return sandboxPage({
    title: needsAdmin ? 'Need admin approval' : 'Sign in',
    standsInFor: STANDS_IN_FOR,
    children: (
      <>
        <h1>{needsAdmin ? 'Need admin approval' : 'Sorry, but we’re having trouble signing you in.'}</h1>
        <p class="problem" role="alert">{`AADSTS${code}: ${message}`}</p>
        {again && (
          <p>
            <a href={again.action}>Sign in with another account</a>
          </p>
        )}
      </>
    ),
  })
}

/** As Microsoft words application permissions. */
const PERMISSION_TITLES: Readonly<Record<string, string>> = {
  'Calendars.Read': 'Read calendars in all mailboxes',
  'Calendars.ReadBasic.All': 'Read basic details of calendars in all mailboxes',
  'Calendars.ReadWrite': 'Read and write calendars in all mailboxes',
  'MailboxSettings.Read': 'Read all user mailbox settings',
  'Organization.Read.All': 'Read organization information',
  'Place.Read.All': 'Read all company places',
  'User.Read.All': "Read all users' full profiles",
  'User.ReadBasic.All': "Read all users' basic profiles",
}

export interface ConsentPage {
  action: string
  appName: string
  user: User
  tenant: Tenant
  permissions: readonly string[]
}

export function consentPage({ action, appName, user, tenant, permissions }: ConsentPage): string {
  return sandboxPage({
    title: 'Permissions requested',
    standsInFor: STANDS_IN_FOR,
    children: (
      <>
        <p class="quiet">{user.upn}</p>
        <h1>Permissions requested</h1>
        <p>Review for your organization, {tenant.displayName}</p>
        <h2>{appName}</h2>
        <p>This application would like to:</p>
        <ul>
          {permissions.map((permission) => (
            <li>
              {PERMISSION_TITLES[permission] ?? permission} <code>{permission}</code>
            </li>
          ))}
        </ul>
        <p class="quiet">
          If you accept, this app will get access to the specified resources for all users in your organization. No one
          else will be prompted to review these permissions.
        </p>
        <form method="post" action={action}>
          <input type="hidden" name="account" value={user.upn} />
          <div class="actions">
            <button type="submit" class="second" name="decision" value="cancel">
              Cancel
            </button>
            <button type="submit" name="decision" value="accept">
              Accept
            </button>
          </div>
        </form>
      </>
    ),
  })
}

/** `response_mode=form_post`: the browser carries the answer in a form, by itself or, without JavaScript, by a click. */
export function formPostPage(to: string, answer: Record<string, string>): string {
  return sandboxPage({
    title: 'Working',
    standsInFor: STANDS_IN_FOR,
    children: (
      <form method="post" action={to}>
        {Object.entries(answer).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <p>One moment, you are being sent back.</p>
        <div class="actions">
          <button type="submit">Continue</button>
        </div>
        <script dangerouslySetInnerHTML={{ __html: 'document.forms[0].submit()' }} />
      </form>
    ),
  })
}

export function signedOutPage(): string {
  return sandboxPage({
    title: 'Signed out',
    standsInFor: STANDS_IN_FOR,
    children: (
      <>
        <h1>You signed out of your account</h1>
        <p>It’s a good idea to close all browser windows.</p>
      </>
    ),
  })
}
