import { type AnswerOptions, answer, facts, table } from '#platform/cli/answer.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { RotateSecrets, type Rotation } from '../rotate-secrets.js'
import { toRotationBody, toSecretsBody } from '../secrets.dto.js'
import { ShowSecrets } from '../show-secrets.js'

type SecretsBody = ReturnType<typeof toSecretsBody>

export async function showStatus(run: RunStep, options: AnswerOptions) {
  const body = toSecretsBody(await run(ShowSecrets, (step) => step.show()))
  answer(options, body, () => [
    table(
      ['MASTER KEY', 'CONFIGURED', 'DATA KEYS', 'VALUES', 'AUDIT HEADS', ''],
      body.master_keys.map(({ id, configured, data_keys, values, audit_signatures, removable }) => [
        id,
        configured,
        String(data_keys),
        String(values),
        String(audit_signatures),
        removable ? 'nothing needs it' : '',
      ]),
    ),
    facts({
      'data keys': `${body.data_keys.active} active, ${body.data_keys.retired} retired`,
      'sealed with retired ones': `${body.values_of_retired_data_keys} values`,
    }),
    advice(body),
  ])
}

function advice({ rotation_pending, master_keys }: SecretsBody): string {
  if (rotation_pending) return '"mandate secrets rotate" has something to do.'
  const removable = master_keys.filter(({ configured, removable }) => configured === 'older' && removable)
  if (removable.length === 0) return 'Nothing is left to rotate.'
  const ids = removable.map(({ id }) => `"${id}"`).join(', ')
  return `Nothing is left to rotate. Once no process has ${ids} as its first key, remove ${ids} from the configuration.`
}

interface RotateOptions extends AnswerOptions {
  dataKeys?: boolean
}

export async function rotate(run: RunStep, options: RotateOptions) {
  const rotation = await run(RotateSecrets, async (step) => {
    let last: Rotation | undefined
    for await (const soFar of step.rotate({ newDataKeys: options.dataKeys ?? false })) {
      last = soFar
      if (!options.json)
        process.stderr.write(`  ${soFar.rewrapped} data keys rewrapped, ${soFar.resealed} values resealed\n`)
    }
    return last!
  })
  const body = toRotationBody(rotation)
  answer(options, body, () => [
    `Everything that opens is under the master key "${body.master_key}".`,
    facts({
      'data keys': `${body.data_keys_retired} retired, ${body.data_keys_rewrapped} rewrapped, ${body.data_keys_deleted} deleted`,
      values: `${body.values_resealed} resealed`,
      'do not open': body.unreadable,
    }),
  ])
  if (body.unreadable.length > 0) process.exitCode = 1
}
