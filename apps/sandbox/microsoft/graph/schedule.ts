import { z } from 'zod'
import type { Tenant } from '../tenant.js'
import { instantOf } from './calendars.routes.js'
import { dateTime, eventsBetween } from './events.js'
import { GraphError } from './graph-errors.js'

const moment = z.object({ dateTime: z.string(), timeZone: z.string().optional() })
const bodySchema = z.object({
  schedules: z.array(z.string()).min(1).max(20),
  startTime: moment,
  endTime: moment,
  availabilityViewInterval: z.int().min(5).max(1440).default(30),
})

const LONGEST_MS = 62 * 86_400_000

/** Free and busy times of several people and rooms; an address that is nobody's is an entry, not a refusal. */
export function scheduleOf(tenant: Tenant, body: unknown) {
  const parsed = bodySchema.safeParse(body)
  if (!parsed.success) throw new GraphError('graph.bad_request', { what: 'The request body is not valid.' })
  const { schedules, startTime, endTime, availabilityViewInterval } = parsed.data
  const [fromMs, toMs] = [instantOf(startTime.dateTime), instantOf(endTime.dateTime)]
  if (toMs <= fromMs || toMs - fromMs > LONGEST_MS)
    throw new GraphError('graph.bad_request', { what: 'The requested time window is not valid.' })
  return schedules.map((address) => oneSchedule(tenant, address, fromMs, toMs, availabilityViewInterval * 60_000))
}

function oneSchedule(tenant: Tenant, address: string, fromMs: number, toMs: number, intervalMs: number) {
  const owner = tenant.findMailbox(address)
  if (owner?.mailbox !== 'enabled')
    return {
      scheduleId: address,
      availabilityView: '',
      error: {
        message: `Unable to resolve e-mail address ${address} to an Active Directory object.`,
        responseCode: 'ErrorMailRecipientNotFound',
      },
    }
  const events = [...eventsBetween(owner, 0, fromMs, toMs)]
  const isBusy = (start: number) => events.some(({ startMs, endMs }) => startMs < start + intervalMs && endMs > start)
  const intervals = Array.from({ length: Math.ceil((toMs - fromMs) / intervalMs) }, (_, n) => fromMs + n * intervalMs)
  return {
    scheduleId: address,
    availabilityView: intervals.map((start) => (isBusy(start) ? '2' : '0')).join(''),
    scheduleItems: events.map(({ startMs, endMs }) => ({
      isPrivate: false,
      status: 'busy',
      start: dateTime(startMs),
      end: dateTime(endMs),
    })),
    workingHours: {
      daysOfWeek: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
      startTime: '08:00:00.0000000',
      endTime: '17:00:00.0000000',
      timeZone: { name: owner.timeZone },
    },
  }
}
