import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { Account } from './account.entity.js'
import { Code } from './code.entity.js'
import { Codes } from './codes.js'
import { ConnectedAccounts } from './connected-accounts.js'
import { EndMailbox } from './end-mailbox.js'
import { Grant } from './grant.entity.js'
import { InspectToken } from './inspect-token.js'
import { NarrowGrants } from './narrow-grants.js'
import { RedeemCode } from './redeem-code.js'
import { RevocationModule } from './revocation.module.js'
import { RevokeGrants } from './revoke-grants.js'
import { RotateRefreshToken } from './rotate-refresh-token.js'
import { AccessToken, RefreshToken } from './token.entity.js'
import { Tokens } from './tokens.js'

const PARTS = [
  ...[Codes, ConnectedAccounts, Tokens, RedeemCode, RotateRefreshToken],
  ...[RevokeGrants, InspectToken, NarrowGrants, EndMailbox],
]

/** Grants, and the codes and tokens that hang on them. Hashes only: no value that authenticates is ever stored. */
@Module({
  imports: [MikroOrmModule.forFeature([Account, Grant, Code, AccessToken, RefreshToken]), RevocationModule],
  providers: PARTS,
  exports: [...PARTS, RevocationModule],
})
export class GrantsModule {}
