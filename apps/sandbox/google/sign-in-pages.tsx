import type { ComponentChildren } from 'preact'
import { sandboxPage } from '../core/sandbox-page.js'
import type { User } from './organisation.js'
import { describeScope, isSignInScope } from './scopes.js'

const page = (title: string, children: ComponentChildren) => sandboxPage({ title, standsInFor: 'Google', children })

export const errorPage = (error: string, explanation: string) =>
  page(
    'Access blocked',
    <>
      <h1>Access blocked</h1>
      <p>{explanation}</p>
      <p>
        <strong>{error}</strong>
      </p>
    </>,
  )

interface SignInFacts {
  clientName: string
  /** The query that the browser came with; carried from page to page and checked again on each. */
  request: string
  accounts: readonly User[]
  /** Filled in already. */
  email: string
  problem: string | null
}

export const signInPage = ({ clientName, request, accounts, email, problem }: SignInFacts) =>
  page(
    'Choose an account',
    <>
      <h1>Choose an account</h1>
      <p>to continue to {clientName}</p>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <form method="post" action="/o/oauth2/v2/auth/account">
        <input type="hidden" name="request" value={request} />
        <label for="email">Email</label>
        <input type="email" id="email" name="email" value={email} required autocomplete="off" />
        <div class="actions">
          <button type="submit">Next</button>
        </div>
      </form>
      <h2>Accounts in this sandbox</h2>
      <ul class="plain">
        {accounts.map((user) => (
          <li>
            <form method="post" action="/o/oauth2/v2/auth/account">
              <input type="hidden" name="request" value={request} />
              <button type="submit" class="row" name="email" value={user.email}>
                <strong>
                  {user.givenName} {user.familyName}
                </strong>
                {note(user)}
                <br />
                <span class="quiet">{user.email}</span>
              </button>
            </form>
          </li>
        ))}
      </ul>
      <p class="quiet">There are no passwords here.</p>
    </>,
  )

function note(user: User): string {
  if (user.deletedAt) return ' · deleted'
  if (user.suspended) return ' · suspended'
  if (user.isAdmin) return ' · administrator'
  return user.organisation ? '' : ' · personal account'
}

interface ConsentFacts {
  clientName: string
  request: string
  user: User
  scopes: Iterable<string>
}

export const CONSENT_FIELD = 'scope:'

export const consentPage = ({ clientName, request, user, scopes }: ConsentFacts) => {
  const asked = [...scopes]
  const optional = asked.filter((scope) => !isSignInScope(scope))
  return page(
    'Allow access',
    <>
      <h1>{clientName} wants access to your Google Account</h1>
      <p class="quiet">{user.email}</p>
      <form method="post" action="/o/oauth2/v2/auth/consent">
        <input type="hidden" name="request" value={request} />
        <input type="hidden" name="email" value={user.email} />
        <p>{optional.length > 0 ? `Select what ${clientName} can access` : `${clientName} will be able to:`}</p>
        <ul class="plain">
          {asked.filter(isSignInScope).map((scope) => (
            <li>
              <p>{describeScope(scope)}</p>
            </li>
          ))}
          {optional.map((scope) => (
            <li>
              <label class="tick">
                <input type="checkbox" name={`${CONSENT_FIELD}${scope}`} checked />
                <span>
                  {describeScope(scope)}
                  <br />
                  <code class="quiet">{scope}</code>
                </span>
              </label>
            </li>
          ))}
        </ul>
        <div class="actions">
          <button type="submit" class="second" name="decision" value="cancel">
            Cancel
          </button>
          <button type="submit" name="decision" value="allow">
            Allow
          </button>
        </div>
      </form>
    </>,
  )
}
