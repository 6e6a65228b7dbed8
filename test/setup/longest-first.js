import TestSequencer from '@jest/test-sequencer'

/** Those that start processes and wait for them come first: they wait beside what computes, and not alone at the end. */
const KINDS = [/\/test\/faults\//, /\.e2e-spec\.ts$/, /\.int-spec\.ts$/, /\.spec\.ts$/]
const kindOf = ({ path }) => KINDS.findIndex((kind) => kind.test(path))

/** Jest begins with what took longest in the last run. A fresh clone has had none, and there it would go by size alone. */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const sorted = super.sort([...tests])
    const isFresh = sorted.every(({ duration }) => duration === undefined)
    return isFresh ? sorted.toSorted((one, other) => kindOf(one) - kindOf(other)) : sorted
  }
}
