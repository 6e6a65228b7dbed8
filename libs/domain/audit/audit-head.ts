import type { Signer } from '#platform/secrets/signer.js'

/** The newest row of a chain, signed: what is cut off behind it, or made anew before it, does not fit it any more. */
export interface AuditHead {
  client_id: string
  sequence: number
  hash: string
  signed_at: string
  signature: string
}

const canonical = ({ client_id, sequence, hash, signed_at }: Omit<AuditHead, 'signature'>) =>
  JSON.stringify(['mandate-audit-head-1', client_id, sequence, hash, signed_at])

export function signHead(
  signer: Signer,
  { at, ...newest }: { client_id: string; sequence: number; hash: string; at: Date },
) {
  const head = { ...newest, signed_at: at.toISOString() }
  return { ...head, signature: signer.sign(canonical(head)) }
}

export const checkHead = (signer: Signer, head: AuditHead) => signer.check(canonical(head), head.signature)

export const HEAD_COLUMNS = `client_id, sequence::float8 as sequence, hash,
  to_char(signed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as signed_at, signature`
