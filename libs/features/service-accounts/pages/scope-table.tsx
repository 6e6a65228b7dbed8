import { wordsForProviderScope } from '#domain/providers/delegated-scopes.js'
import { Breakable } from './elements.js'
import { en as t } from './strings.en.js'

/** The provider's own names beside ours. */
export function ScopeTable(props: { scopes: string[]; nameColumn: string; reasonColumn: string }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{props.nameColumn}</th>
          <th scope="col">{props.reasonColumn}</th>
        </tr>
      </thead>
      <tbody>
        {props.scopes.map((scope) => (
          <tr key={scope}>
            <td>
              <code translate={false}>
                <Breakable value={scope.replace('https://www.googleapis.com/auth/', '…/')} />
              </code>
              {t.microsoftWording[scope] && <span class="wording">{t.microsoftWording[scope]}</span>}
            </td>
            <td>{wordsForProviderScope(scope)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
