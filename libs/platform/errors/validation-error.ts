import { BrokerError } from './broker-error.js'

export interface FieldProblem {
  /** Stable, e.g. `errors.required`. */
  key: string
  description: string
}

/** Field name, as the caller sent it (`service_account_authorizations[3].email`), to what is wrong with it. */
export type FieldProblems = Record<string, FieldProblem[]>

/** Bad input outside the OAuth endpoints: `422 {"errors":{field:[{key,description}]}}`. */
export class ValidationError extends BrokerError {
  constructor(readonly problems: FieldProblems) {
    super({ code: 'validation_failed', status: 422, publicText: `Not accepted: ${Object.keys(problems).join(', ')}.` })
  }
}

export const invalidField = (field: string, key: string, description: string) =>
  new ValidationError({ [field]: [{ key, description }] })
