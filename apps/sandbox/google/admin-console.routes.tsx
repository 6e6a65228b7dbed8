import type { FastifyInstance } from 'fastify'
import { ZodError } from 'zod'
import { ImpossibleChange } from '../core/mutation.js'
import { sandboxPage } from '../core/sandbox-page.js'
import type { GoogleWorld } from './google-world.js'
import { type TextFields, textFields } from './text-fields.js'

export const ADMIN_CONSOLE = '/__sandbox/admin-console/domain-wide-delegation'

/** The page of the Admin console where an administrator adds domain-wide delegation: a form over the same mutations. */
export function registerAdminConsoleRoutes(
  http: FastifyInstance,
  world: GoogleWorld,
  change: (name: string, input: Record<string, unknown>) => unknown,
): void {
  http.get(ADMIN_CONSOLE, async (request, reply) =>
    reply.type('text/html; charset=utf-8').send(delegationPage(world, textFields(request), null)),
  )

  http.post(ADMIN_CONSOLE, async (request, reply) => {
    const fields = textFields(request)
    const { action, clientId = '', scopes = '', organisation } = fields
    try {
      if (action === 'remove') change('remove-delegation', { clientId, organisation })
      else
        change('add-delegation', {
          clientId: clientId.trim(),
          scopes: scopes.split(/[\s,]+/).filter(Boolean),
          organisation,
        })
    } catch (error) {
      const problem = problemOf(error)
      if (problem === null) throw error
      return reply
        .code(422)
        .type('text/html; charset=utf-8')
        .send(delegationPage(world, fields, problem))
    }
    return reply.redirect(`${ADMIN_CONSOLE}?organisation=${encodeURIComponent(organisation ?? '')}`, 303)
  })
}

function problemOf(error: unknown): string | null {
  if (error instanceof ImpossibleChange) return error.message
  if (!(error instanceof ZodError)) return null
  return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}

const delegationPage = (world: GoogleWorld, fields: TextFields, problem: string | null) =>
  sandboxPage({
    title: 'Domain-wide delegation',
    standsInFor: 'the Google Admin console',
    wide: true,
    children: (
      <>
        <p class="quiet">Security › Access and data control › API controls › Domain-wide delegation</p>
        <h1>Domain-wide delegation</h1>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <form method="post">
          <label for="organisation">Organisation</label>
          <select id="organisation" name="organisation">
            {world.organisations.map(({ primaryDomain }) => (
              <option value={primaryDomain} selected={primaryDomain === fields.organisation}>
                {primaryDomain}
              </option>
            ))}
          </select>
          <label for="clientId">Client ID</label>
          <input
            type="text"
            id="clientId"
            name="clientId"
            value={fields.clientId ?? ''}
            inputmode="numeric"
            required
            autocomplete="off"
          />
          <label for="scopes">OAuth scopes (comma-delimited)</label>
          <textarea id="scopes" name="scopes" required>
            {fields.scopes ?? ''}
          </textarea>
          <div class="actions">
            <button type="submit" name="action" value="add">
              Authorise
            </button>
          </div>
        </form>
        {world.organisations.map(({ primaryDomain, delegations }) => (
          <section>
            <h2>API clients of {primaryDomain}</h2>
            {delegations.size === 0 && <p class="quiet">None.</p>}
            <ul class="plain">
              {[...delegations].map(([clientId, { scopes }]) => (
                <li class="entry">
                  <div>
                    <strong>{clientId}</strong>
                    {[...scopes].map((scope) => (
                      <div>
                        <code>{scope}</code>
                      </div>
                    ))}
                  </div>
                  <form method="post">
                    <input type="hidden" name="organisation" value={primaryDomain} />
                    <input type="hidden" name="clientId" value={clientId} />
                    <button type="submit" class="second" name="action" value="remove">
                      Delete
                    </button>
                  </form>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </>
    ),
  })
