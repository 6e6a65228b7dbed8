/**
 * The query of an authorization request, read by ourselves: a framework's parser joins repeated parameters, makes
 * objects of `a[b]`, and has decoded `state` before we could keep it as it came.
 */
export class AuthorizationQuery<Parameter extends string = string> {
  readonly #encoded = new Map<string, string[]>()

  /**
   * @param url the request line's, undecoded
   * @param known the parameters that will be read; `state` is not among them: it is never read, only kept
   */
  constructor(
    url: string,
    private readonly known: readonly string[],
  ) {
    const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
    for (const pair of query.split('&').filter(Boolean)) {
      const [encodedName = '', ...value] = pair.split('=')
      const name = decoded(encodedName) ?? encodedName
      this.#encoded.set(name, [...(this.#encoded.get(name) ?? []), value.join('=')])
    }
  }

  /** The value of a parameter that came once and can be read; RFC 6749 section 3.1: one without a value was not sent. */
  one(name: Parameter): string | null {
    const encoded = this.#onlyOne(name)
    return (encoded && decoded(encoded)) || null
  }

  /** RFC 6749 section 3.1: no parameter may come twice. `scope[]` and `scope[0]` are other ways to write it twice. */
  repeated(): boolean {
    const names = [...this.#encoded.keys()]
    const bracketed = names.some((name) => [...this.known, 'state'].some((known) => name.startsWith(`${known}[`)))
    return bracketed || [...this.#encoded.values()].some((values) => values.length > 1)
  }

  unreadable(): string | null {
    return this.known.find((name) => this.#encoded.get(name)?.some((value) => decoded(value) === null)) ?? null
  }

  /** The bytes of `state` in a form that may stand in a Location header, whatever encoding the client chose for them. */
  encodedState(): string | null {
    return this.#onlyOne('state')?.replace(NOT_FOR_A_HEADER, percentEncoded) || null
  }

  #onlyOne(name: string): string | undefined {
    const values = this.#encoded.get(name)
    return values?.length === 1 ? values[0] : undefined
  }
}

const NOT_FOR_A_HEADER = /[^\w\-.~!$'()*+,;:@/?=%]/g

/** Node hands over the request line as latin1, so each character is one byte of what was sent. */
const percentEncoded = (character: string) => `%${Buffer.from(character, 'latin1').toString('hex').toUpperCase()}`

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}
