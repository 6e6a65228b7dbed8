import { type AnswerOptions, answer } from '#platform/cli/answer.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { DiagnoseServiceAccount } from '../diagnose-service-account.js'
import { toDiagnosisBody } from '../diagnosis.dto.js'

type DiagnosisBody = ReturnType<typeof toDiagnosisBody>

const MARK = { passed: 'ok', failed: 'NO', 'not-checked': '--' } as const

const VERDICT = {
  healthy: 'All is well.',
  broken: 'Something has to be mended before this service account works.',
  unreachable: 'The provider did not answer, which says nothing about the service account. Try again later.',
} as const

export async function diagnose(run: RunStep, id: string, options: AnswerOptions) {
  const body = toDiagnosisBody(await run(DiagnoseServiceAccount, (step) => step.diagnose(id)))
  answer(options, body, () => [
    `${body.organisation.name} at ${body.provider} (${body.organisation.id})`,
    body.steps.map(lineOf).join('\n'),
    ...(body.note ? [body.note] : []),
    VERDICT[body.outcome],
  ])
  if (body.outcome !== 'healthy') process.exitCode = 1
}

function lineOf({ label, result, problem, fix, key, commands }: DiagnosisBody['steps'][number]): string {
  const details = [[problem, key && `(${key})`].filter(Boolean).join(' '), fix, ...commands.map((line) => `  ${line}`)]
  return [`  ${MARK[result]}  ${label}`, ...details.filter(Boolean).map((line) => `      ${line}`)].join('\n')
}
