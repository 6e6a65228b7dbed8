import { CONSENT_MOVES, type ConsentStep, isOver, stepsBefore } from './consent-journey.js'

describe('the journey of a consent', () => {
  it('can be allowed only from the decision, and denied from every page', () => {
    expect(stepsBefore('allowed')).toEqual(['deciding'])
    expect(stepsBefore('denied')).toEqual(['choosing', 'preparing', 'checking', 'deciding'])
  })

  it('comes to a decision only through a check', () => {
    expect(stepsBefore('deciding')).toEqual(['checking', 'deciding'])
  })

  it('ends where no move is left', () => {
    const over = (Object.keys(CONSENT_MOVES) as ConsentStep[]).filter(isOver)
    expect(over).toEqual(['allowed', 'denied'])
  })
})
