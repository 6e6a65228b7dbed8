import type { DelegatedPermission } from '#domain/providers/delegated-scopes.js'
import type { CallMethod } from '#domain/providers/provider.port.js'
import { insufficientScope } from '#platform/errors/api-error.js'
import { methodNotAllowed, notAdmitted } from './proxy.errors.js'
import { decodeOnce, type RequestTarget } from './request-target.js'

/** One kind of call that may be passed on. */
export interface CallShape {
  /** For the log, in which a path would show addresses. */
  name: string
  method: CallMethod
  /** Literal segments, and slots in braces. */
  path: readonly string[]
  needs: DelegatedPermission
  /** Without this one too, the answer is kept back: it shows more than what was sent. */
  answers?: DelegatedPermission
  /** Without this one too, the body may not cancel the event, which deletes it. */
  cancels?: DelegatedPermission
  /** Names of query options. */
  options: readonly string[]
}

/** Shapes of one API, below one path of it. */
export const shapesBelow =
  (provider: string, base: string) =>
  (
    name: string,
    method: CallMethod,
    path: string,
    needs: DelegatedPermission,
    options: readonly string[],
    more: Pick<CallShape, 'answers' | 'cancels'> = {},
  ): CallShape => ({ name: `${provider}.${name}`, method, path: `${base}/${path}`.split('/'), needs, options, ...more })

/** What a provider's API offers, as far as one mailbox is concerned. */
export interface ApiCalls {
  shapes: readonly CallShape[]
  /** From what was written in a slot to what goes there. @throws ApiError not_admitted for anything that is not this mailbox's */
  slots: Readonly<Record<string, (written: string) => string>>
  /** Options whose values are held to more than being text. */
  values: Readonly<Record<string, RegExp>>
  repeatable: readonly string[]
}

export interface AdmittedCall {
  shape: string
  method: CallMethod
  pathAndQuery: string
  answerKeptBack?: true
  mayNotCancel?: true
  /** The calendar that it goes through, where the provider finds shared ones by the same path. */
  calendarId?: string
}

const TEXT = /^\P{Cc}*$/u

/**
 * Lets a call through that has one of the shapes. What goes out is written anew from the shape, from checked slots and
 * from known options; not one character is passed on because nobody objected to it.
 * @throws ApiError not_admitted, method_not_allowed, insufficient_scope
 */
export function admitCall(
  api: ApiCalls,
  method: string,
  { segments, options }: RequestTarget,
  permissions: readonly DelegatedPermission[],
): AdmittedCall {
  const shapes = api.shapes.filter(({ path }) => hasShape(path, segments))
  if (shapes.length === 0) throw noSuchShape(api.shapes)
  // HEAD is GET without the body of the answer (RFC 9110 section 9.3.2), which is left out when we answer.
  const shape = shapes.find((each) => each.method === (method === 'HEAD' ? 'GET' : method))
  if (!shape) throw methodNotAllowed(shapes.map((each) => each.method))
  const path = shape.path.map((part, i) => fill(part, segments[i]!, api.slots))
  if (!permissions.includes(shape.needs))
    throw insufficientScope(
      `${shape.name} needs the scope ${shape.needs}, which this token does not hold.`,
      shape.needs,
    )
  const pathAndQuery = `/${path.join('/')}${queryOf(api, shape, options)}`
  const lacks = (permission: DelegatedPermission | undefined) => permission && !permissions.includes(permission)
  return {
    ...{ shape: shape.name, method: shape.method, pathAndQuery },
    ...(lacks(shape.answers) && { answerKeptBack: true }),
    ...(lacks(shape.cancels) && { mayNotCancel: true }),
  }
}

const slotOf = (part: string) => (part.startsWith('{') ? part.slice(1, -1) : null)

const hasShape = (parts: readonly string[], segments: readonly string[]) =>
  parts.length === segments.length && parts.every((part, i) => part === segments[i] || slotOf(part))

function fill(part: string, segment: string, slots: ApiCalls['slots']): string {
  const slot = slotOf(part)
  return slot ? encodeURIComponent(slots[slot]!(decodeOnce(segment))) : part
}

function queryOf(api: ApiCalls, shape: CallShape, options: RequestTarget['options']): string {
  const seen = new Set<string>()
  const pairs = options.map(([written, value]) => {
    const name = shape.options.find((option) => option.toLowerCase() === written.toLowerCase())
    if (!name) throw noSuchOption(shape, written)
    if (seen.has(name) && !api.repeatable.includes(name)) throw notAdmitted('option repeated', `Give ${name} once.`)
    if (!(api.values[name] ?? TEXT).test(value))
      throw notAdmitted(`value of ${name}`, `The value of ${name} is not one that the proxy passes on.`)
    seen.add(name)
    return `${name}=${encodeURIComponent(value)}`
  })
  return pairs.length > 0 ? `?${pairs.join('&')}` : ''
}

/** A slot for an id: letters, digits and the few signs that the provider's ids are made of. */
export const idLike = (pattern: RegExp) => (written: string) => {
  if (pattern.test(written)) return written
  throw notAdmitted('not an id', 'Where the path has an id, write it as the provider gave it.')
}

const noSuchShape = (shapes: readonly CallShape[]) =>
  notAdmitted(
    'no such shape',
    `The proxy passes: ${shapes.map(({ method, path }) => `${method} /${path.join('/')}`).join(', ')}.`,
  )

const noSuchOption = ({ name, options }: CallShape, written: string) =>
  notAdmitted(
    'option not known',
    `${name} does not take ${JSON.stringify(written.slice(0, 40))}; it takes ${options.join(', ') || 'no options'}.`,
  )
