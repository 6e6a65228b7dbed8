import type { Verdict } from './checker.js'
import { asFindings, asTable, LEGEND, type Line } from './verdict-table.js'

describe('what the faults print', () => {
  const counts: Verdict['counts'] = {
    ...{ accepted: 1200, told: 1200, denied: 48, exchanged: 1152, again: 3 },
    ...{ lost: 0, doubled: 0, forged: 0, crossed: 0 },
  }
  const line = (fault: string, findings: Verdict['findings'] = []): Line => ({
    ...{ queue: 'postgres', fault, seconds: 12, verdict: { counts, findings } },
  })

  it('is a table, with a word on each column after the fault', () => {
    const [titles, _rule, row] = asTable([line('killed at random')]).split('\n')
    expect(row).toMatch(/^postgres +killed at random +12 +1200 +1200 +48 +1152 +3 +0 +0 +0 +0$/)
    const explained = LEGEND.split('\n').map((text) => text.split(' ')[0])
    expect(titles!.split(/ +/).slice(2)).toEqual(explained)
  })

  it('says whether a promise was broken, and which', () => {
    expect(asFindings([line('frozen for 40 s')])).toBe('No promise was broken.\n')
    const findings = [{ kind: 'lost', invariant: 'I1', id: 'dar_1', what: 'the API does not know it' }] as const
    expect(asFindings([line('frozen for 40 s', [...findings])])).toBe(
      '1 promises were broken:\npostgres, frozen for 40 s: I1 dar_1: the API does not know it\n',
    )
    expect(asFindings([])).toContain('nothing was tried')
  })
})
