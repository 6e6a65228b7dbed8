import { hash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'

/** Where identifiers and secrets come from; injected so that tests can fix it. */
export abstract class RandomSource {
  abstract bytes(length: number): Buffer
  /** An integer in [0, below). */
  abstract integer(below: number): number
}

const DRAWN_AT_ONCE = 4_096

/** Asking the system costs more than the few bytes of an id. What has been given out is not kept. */
export class CryptoRandom extends RandomSource {
  #drawn = Buffer.alloc(0)

  bytes(length: number): Buffer {
    if (length > this.#drawn.length) this.#drawn = randomBytes(Math.max(length, DRAWN_AT_ONCE))
    const given = Buffer.from(this.#drawn.subarray(0, length))
    this.#drawn.fill(0, 0, length)
    this.#drawn = this.#drawn.subarray(length)
    return given
  }

  integer(below: number): number {
    return randomInt(below)
  }
}

/** `ser_` + 24 hexadecimal digits: 96 bits, 28 characters. Names a thing; authenticates nobody. */
export const newId = (random: RandomSource, prefix: string) => `${prefix}_${random.bytes(12).toString('hex')}`

/** 32 URL-safe characters, 192 bits: the shape the contract gives codes and tokens. */
export const newBearer = (random: RandomSource) => random.bytes(24).toString('base64url')

/** For values of 128 random bits and more, where a slow hash would protect nothing (RFC 9700 section 2). */
export const hashOf = (bearer: string) => hash('sha256', bearer, 'base64url')

export function equalInConstantTime(left: string, right: string): boolean {
  return timingSafeEqual(hash('sha256', left, 'buffer'), hash('sha256', right, 'buffer'))
}
