import type { FastifyRequest } from 'fastify'
import { originOf, queryOf } from '../request.js'
import { GraphError } from './graph-errors.js'

type Item = Record<string, unknown>

export interface Paging {
  defaultSize: number
  maxSize: number
  /** The caller looks at `$filter` itself. */
  filters?: boolean
}

export interface Page {
  offset: number
  size: number
}

/** `$top`, and where to go on. @throws GraphError for options that this stand-in would otherwise quietly ignore */
export function pageOf(request: FastifyRequest, { defaultSize, maxSize, filters }: Paging): Page {
  const query = queryOf(request)
  for (const option of ['$filter', '$search', '$expand', '$apply'])
    if (query[option] !== undefined && !(filters && option === '$filter'))
      throw new GraphError('graph.bad_request', { what: `The sandbox has no ${option}.` })
  const size = number(query.$top, defaultSize, '$top')
  if (size < 1 || size > maxSize)
    throw new GraphError('graph.bad_request', {
      what: `Invalid page size specified: '${size}'. Must be between 1 and ${maxSize} inclusive.`,
    })
  return { offset: number(query.$skiptoken ?? query.$skip, 0, '$skip'), size }
}

function number(text: string | undefined, otherwise: number, option: string): number {
  if (text === undefined) return otherwise
  if (!/^\d{1,9}$/.test(text))
    throw new GraphError('graph.bad_request', { what: `Invalid value '${text}' for ${option}.` })
  return Number(text)
}

/** One page as Graph sends it: absolute `@odata.nextLink` on this origin, with the caller's other options kept. */
export function pageBody(request: FastifyRequest, { offset, size }: Page, items: readonly Item[], more: boolean): Item {
  const selected = items.map((item) => selectedFrom(request, item))
  if (!more) return { '@odata.context': contextOf(request), value: selected }
  const next = new URL(request.url, originOf(request))
  next.searchParams.delete('$skip')
  next.searchParams.set('$skiptoken', String(offset + size))
  return { '@odata.context': contextOf(request), '@odata.nextLink': next.href, value: selected }
}

export const slicePage = (request: FastifyRequest, page: Page, all: readonly Item[]): Item =>
  pageBody(request, page, all.slice(page.offset, page.offset + page.size), all.length > page.offset + page.size)

export const entity = (request: FastifyRequest, item: Item): Item => ({
  '@odata.context': contextOf(request),
  ...selectedFrom(request, item),
})

function selectedFrom(request: FastifyRequest, item: Item): Item {
  const names = queryOf(request).$select
  if (!names) return item
  const wanted = new Set(names.split(',').map((name) => name.trim()))
  // The id of an item is always sent along.
  return Object.fromEntries(
    Object.entries(item).filter(([name]) => name === 'id' || name.startsWith('@') || wanted.has(name)),
  )
}

const contextOf = (request: FastifyRequest) => `${originOf(request)}/v1.0/$metadata`
