import { jest } from '@jest/globals'
import { armFailPoint, failPoint } from './fail-point.js'

describe('failPoint', () => {
  const kill = jest.spyOn(process, 'kill').mockReturnValue(true)
  afterEach(() => {
    armFailPoint(null)
    kill.mockClear()
  })

  it('does nothing in a process that was not started to die', () => {
    armFailPoint(null)
    failPoint('mint-access.decided')
    expect(kill).not.toHaveBeenCalled()
  })

  it('kills its own process there and nowhere else', () => {
    armFailPoint('mint-access.decided')
    failPoint('mint-access.found')
    expect(kill).not.toHaveBeenCalled()
    failPoint('mint-access.decided')
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGKILL']])
  })

  it('waits for the n-th time that it is passed', () => {
    armFailPoint('mint-access.decided:3')
    failPoint('mint-access.decided')
    failPoint('mint-access.decided')
    expect(kill).not.toHaveBeenCalled()
    failPoint('mint-access.decided')
    expect(kill).toHaveBeenCalledTimes(1)
  })
})
