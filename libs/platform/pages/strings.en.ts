/** What every page says, whoever it is for. Each feature has a file like this for its own sentences. */
export const en = {
  language: 'en',
  product: 'Mandate',
  requestId: 'Request id for support:',
  unnamedClient: 'A client without a name',
  inOtherLetters: 'technical form',
}
