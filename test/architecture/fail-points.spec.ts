import { join } from 'node:path'
import { pointsNowhere } from '../faults/faults.js'

describe('fail-points', () => {
  it('Every fail-point is placed in test/faults/faults.ts: in the api, in the worker, or with the tests that die at it.', () => {
    expect(pointsNowhere(join(import.meta.dirname, '../../libs'))).toEqual([])
  })
})
