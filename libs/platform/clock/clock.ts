/** The time, injected so that tests can hold it. */
export abstract class Clock {
  abstract now(): Date
}

export class SystemClock extends Clock {
  now(): Date {
    return new Date()
  }
}

export const seconds = (n: number) => n * 1000
export const minutes = (n: number) => seconds(60) * n
export const hours = (n: number) => minutes(60) * n
export const days = (n: number) => hours(24) * n

export const after = (start: Date, milliseconds: number) => new Date(start.getTime() + milliseconds)
