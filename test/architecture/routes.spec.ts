import { sourceFiles } from './source-files.js'

/** Each handler with the decorators that stand on it. */
const handlers = sourceFiles('libs')
  .filter(({ path }) => path.endsWith('.controller.ts'))
  .flatMap(({ path, text }) =>
    [
      ...text.matchAll(
        /^ {2}@(?:Get|Post|Put|Patch|Delete|All|Head|Options)\([^)]*\)\n(.*?)^ {2}(?:async )?\*?(\w+)\(/gms,
      ),
    ].map(([, decorators, name]) => ({ path, name: name!, decorators: decorators! })),
  )

describe('routes', () => {
  it('are found', () => {
    expect(handlers.length).toBeGreaterThan(30)
  })

  it.each(handlers)(
    '$path: $name carries @Described (platform/http/openapi), or /openapi.json and its tests would not know it',
    ({ decorators }) => {
      expect(decorators).toMatch(/@[Dd]escribed\(/)
    },
  )
})
