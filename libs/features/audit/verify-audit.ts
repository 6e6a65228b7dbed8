import { Injectable } from '@nestjs/common'
import { AuditArchives } from '#domain/audit/audit-archives.js'
import type { AuditHead } from '#domain/audit/audit-head.js'
import { type Verification, VerifyChain } from '#domain/audit/verify-chain.js'
import { notFound } from '#platform/errors/api-error.js'
import { type ArchiveVerification, VerifyArchives } from './verify-archives.js'

export interface WhatToVerify {
  /** One chain; left out: all. */
  clientId?: string
  /** Heads that were exported earlier. */
  kept?: AuditHead[]
  /** Told now and then, for whoever waits. */
  onProgress?: (clientId: string, rows: number, of: number) => void
}

/** Follows every chain from where it begins to its head. */
@Injectable()
export class VerifyAudit {
  constructor(
    private readonly verifier: VerifyChain,
    private readonly archives: AuditArchives,
    private readonly verifyArchives: VerifyArchives,
  ) {}

  /** Follows every chain through what has left, to where it begins here. */
  inFiles(directory: string, kept?: AuditHead[]): AsyncGenerator<ArchiveVerification> {
    return this.verifyArchives.verify(directory, kept)
  }

  /** One chain after the other. @throws ApiError not_found */
  async *verify({ clientId, kept = [], onProgress }: WhatToVerify): AsyncGenerator<Verification> {
    const beginnings = await this.archives.beginnings()
    const present = await this.verifier.chains(beginnings)
    const all = [...new Set([...present, ...kept.map(({ client_id }) => client_id)])].sort()
    const wanted = clientId ? all.filter((chain) => chain === clientId) : all
    if (clientId && wanted.length === 0) throw notFound(`A chain of "${clientId.slice(0, 64)}"`)
    for (const chain of wanted)
      yield await this.verifier.verify(chain, {
        begins: beginnings.get(chain),
        kept: kept.find(({ client_id }) => client_id === chain),
        onProgress: (rows, of) => onProgress?.(chain, rows, of),
      })
  }
}
