import { deadLetterListDto, redeliverDto } from './dead-letter.dto.js'

describe('a host whose dead letters are meant', () => {
  it.each([
    ['app.acme.test', 'app.acme.test'],
    ['App.Acme.TEST:443', 'app.acme.test'],
    ['app.acme.test:8443', 'app.acme.test:8443'],
    ['bücher.test', 'xn--bcher-kva.test'],
    ['[::1]:8080', '[::1]:8080'],
  ])('is found as %s', (written, host) => {
    expect(deadLetterListDto.parse({ host: written }).host).toBe(host)
    expect(redeliverDto.parse({ host: written }).host).toBe(host)
  })

  it.each(['https://app.acme.test', 'app.acme.test/cb', 'me@app.acme.test', 'app acme', 'app.acme.test:99999', ''])(
    'is refused when it is no host: %j',
    (written) => {
      expect(deadLetterListDto.safeParse({ host: written }).success).toBe(false)
    },
  )
})
