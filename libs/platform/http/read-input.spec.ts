import { z } from 'zod'
import { ValidationError } from '#platform/errors/validation-error.js'
import { readInput, requiredText } from './read-input.js'

const problemsOf = (input: unknown) => {
  try {
    readInput(z.strictObject({ name: requiredText(10), tags: z.array(requiredText(5)).optional() }), input)
  } catch (error) {
    if (error instanceof ValidationError) return { ...error.problems }
    throw error
  }
  return {}
}

describe('readInput', () => {
  it.each([
    [{}, { name: [{ key: 'errors.required', description: 'required' }] }],
    [{ name: 'x', tags: ['a', 7] }, { 'tags[1]': [{ key: 'errors.invalid', description: expect.any(String) }] }],
    [{ name: 'a\0b' }, { name: [{ key: 'errors.invalid', description: expect.stringContaining('NUL') }] }],
    [{ name: 'x', nmae: 'y' }, { nmae: [{ key: 'errors.unknown', description: 'not known here' }] }],
  ])('names the field of %j as the caller wrote it', (input, problems) => {
    expect(problemsOf(input)).toEqual(problems)
  })

  it.each(['constructor', 'toString', 'hasOwnProperty'])('takes a field called %s for a field', (name) => {
    expect(Object.keys(problemsOf({ name: 'x', [name]: 1 }))).toEqual([name])
  })
})
