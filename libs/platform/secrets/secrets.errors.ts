import { BrokerError } from '#platform/errors/broker-error.js'

export type SecretsErrorCode =
  /** This process was not given the master key that wraps the data key: in a roll-out another one may have it. */
  | 'secrets.master_key_missing'
  /** The master key of that name is here, and is not the one that wrapped this. */
  | 'secrets.master_key_wrong'
  /** The row that holds the data key is gone. */
  | 'secrets.data_key_missing'
  /** A sealed value was altered, or was sealed for another row, column or client. */
  | 'secrets.value_altered'

/** A stored secret that does not open. Which one it was is for the log; nobody outside can do anything about it. */
export class SecretsError extends BrokerError {
  constructor(code: SecretsErrorCode, detail: string) {
    super({
      code,
      status: 503,
      publicText: 'A stored secret cannot be opened. The operator has to look into it.',
      detail,
    })
  }
}
