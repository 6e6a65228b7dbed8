import { randomBytes } from 'node:crypto'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { cleaned, isWorthSending } from './span-fields.js'
import { currentTrace, traced, traceHeaders, traceRequest } from './tracing.js'

describe('tracing that nobody has asked for', () => {
  it('is the work alone', () => {
    const work = Promise.resolve(7)
    expect(traced('accept-requests', {}, () => work)).toBe(work)
    expect(traceRequest('GET /', '/', { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` })).toBeNull()
    expect(traceHeaders()).toEqual({})
    expect(currentTrace()).toBeUndefined()
  })
})

describe('a span that leaves the process', () => {
  const SECRET = randomBytes(24).toString('base64url')
  const spanWith = (attributes: ReadableSpan['attributes'], name = 'process mint-access', scope = 'bullmq') =>
    ({
      ...{
        name,
        attributes,
        kind: SpanKind.INTERNAL,
        startTime: [0, 0],
        endTime: [1, 0],
        duration: [1, 0],
        ended: true,
      },
      spanContext: () => ({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }),
      status: { code: SpanStatusCode.ERROR, message: SECRET },
      links: [],
      events: [{ name: 'exception', time: [0, 0], attributes: { 'exception.message': SECRET } }],
      resource: {},
      instrumentationScope: { name: scope },
    }) as unknown as ReadableSpan

  it('says what job it was, and nothing that BullMQ knows beside', () => {
    const said = {
      'bullmq.job.id': 'mint-dar_0123456789abcdef01234567',
      'bullmq.worker.options': `{"connection":{"password":"${SECRET}"}}`,
      'bullmq.job.failed.reason': SECRET,
    }
    const span = cleaned(spanWith(said))
    expect(span.attributes).toEqual({ 'bullmq.job.id': 'mint-dar_0123456789abcdef01234567' })
    expect({ status: span.status, events: span.events }).toEqual({ status: { code: SpanStatusCode.ERROR }, events: [] })
  })

  it('drops what does not look like its field', () => {
    const said = { 'mandate.request': SECRET, 'mandate.client': 'anna@acme.test', 'mandate.status': 200 }
    expect(cleaned(spanWith(said)).attributes).toEqual({ 'mandate.status': 200 })
  })

  it.each([
    ['process mint-access', 'bullmq', true],
    ['addBulk deliver-callback', 'bullmq', true],
    ['moveStalledJobsToWait mint-access', 'bullmq', false],
    ['getNextJob mint-access', 'bullmq', false],
    ['call-client', 'mandate', true],
  ])('%s of %s is worth sending: %s', (name, scope, worth) => {
    expect(isWorthSending(spanWith({}, name, scope))).toBe(worth)
  })
})
