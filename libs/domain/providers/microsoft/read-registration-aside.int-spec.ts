import { setInterval } from 'node:timers/promises'
import { ValidationError } from '#platform/errors/validation-error.js'
import { readMicrosoftRegistration } from './microsoft-registration.js'
import { PFX_PASSWORD, PFX_WITH_AES } from './pfx-for-tests.js'
import { readRegistrationAside } from './read-registration-aside.js'

const CLIENT_ID = '11111111-2222-4333-8444-555555555555'
const NOW = new Date('2030-01-01')

/** The same file, which says that its password is to be stirred two billion times. */
function pfxOfManyRounds(): string {
  const file = Buffer.from(PFX_WITH_AES, 'base64')
  const rounds = Buffer.from('02020800', 'hex')
  expect(file.subarray(-4)).toEqual(rounds)
  const changed = Buffer.concat([file.subarray(0, -4), Buffer.from('02047fffffff', 'hex')])
  changed.writeUInt16BE(file.readUInt16BE(2) + 2, 2)
  changed[file.length - 66]! += 2
  return changed.toString('base64')
}

const complaintsOf = async (typed: { pfx: string; password: string }, longestMs?: number) => {
  try {
    await readRegistrationAside({ clientId: CLIENT_ID, ...typed }, NOW, longestMs)
  } catch (error) {
    if (error instanceof ValidationError) return error.problems
    throw error
  }
  return {}
}

describe('a registration that a stranger has uploaded', () => {
  it('is read in a process of its own as it would be here, and complained of in the same words', async () => {
    const typed = { clientId: CLIENT_ID, pfx: PFX_WITH_AES, password: PFX_PASSWORD }
    const here = readMicrosoftRegistration(typed, NOW)
    const aside = await readRegistrationAside(typed, NOW)
    expect(aside).toEqual(here)
    expect(aside.proof.kind === 'certificate' && aside.proof.privateKey.reveal()).toBe(
      here.proof.kind === 'certificate' && here.proof.privateKey.reveal(),
    )
    const { password } = await complaintsOf({ pfx: PFX_WITH_AES, password: 'shut' })
    expect(password?.[0]?.description).toBe('This password does not open the PFX file.')
  })

  it('is given up when it takes too long to open, and keeps nobody waiting meanwhile', async () => {
    let read = false
    const complaining = complaintsOf({ pfx: pfxOfManyRounds(), password: PFX_PASSWORD }, 3_000).finally(() => {
      read = true
    })
    let turns = 0
    for await (const _ of setInterval(50)) {
      turns += 1
      if (read) break
    }
    expect((await complaining).pfx?.[0]?.description).toMatch(/^This takes too long to open/)
    expect(turns).toBeGreaterThan(5)
  })
})
