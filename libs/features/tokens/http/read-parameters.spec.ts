import { z } from 'zod'
import { parseForm } from '#platform/http/parse-form.js'
import { readParameters } from './read-parameters.js'

const dto = z.object({ code: z.string().optional(), state: z.string().optional() })
const read = (body: unknown, query: unknown = {}) => readParameters(dto, { body, query })
const refusal = expect.objectContaining({ code: 'invalid_request', status: 400 })

describe('the parameters of an OAuth request', () => {
  it.each(['code=a', 'code=a&unknown=1', 'code=a&state=b&code_x%5B%5D=1', ''])(
    'are read from the form “%s”',
    (form) => {
      expect(read(parseForm(form)).code).toBe(form ? 'a' : undefined)
    },
  )

  it.each([
    'code=a&code=b',
    'code=a&code=a',
    'code=a&unknown=1&unknown=1',
    'code[]=a',
    'code%5B%5D=a',
    'code=a&code[0]=b',
    'code[a]=b',
  ])('are refused in the form “%s”', (form) => {
    expect(() => read(parseForm(form))).toThrow(refusal)
  })

  it.each([
    { code: ['a'] },
    { code: ['a', 'b'] },
    { 'code[]': 'a' },
    { code: { a: 'b' } },
    { code: 1 },
    { code: null },
    [],
  ])('are refused in the JSON %j', (body) => {
    expect(() => read(body)).toThrow(refusal)
  })

  it('are refused in the URL, beside the body or alone, and what is no parameter is not', () => {
    expect(() => read({ code: 'a' }, parseForm('code=a'))).toThrow(refusal)
    expect(() => read({}, parseForm('code=a'))).toThrow(refusal)
    expect(() => read({}, parseForm('code[]=a'))).toThrow(refusal)
    expect(read({ code: 'a' }, parseForm('trace=1')).code).toBe('a')
  })
})
