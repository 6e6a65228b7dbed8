import { inspect } from 'node:util'

const PLACEHOLDER = '[secret]'

/** A value that must not be printed by accident: strings, JSON and inspection all show `[secret]`. */
export class Secret<T = string> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** The one way out. Call it where the value is used, never where it is passed on. */
  reveal(): T {
    return this.#value
  }

  toString(): string {
    return PLACEHOLDER
  }

  toJSON(): string {
    return PLACEHOLDER
  }

  [inspect.custom](): string {
    return PLACEHOLDER
  }
}
