import { Module } from '@nestjs/common'
import { ClientsModule } from './clients.module.js'
import { UserTokenGuard } from './http/user-token.guard.js'
import { PublishedKeySets } from './published-key-sets.js'
import { VerifyUserToken } from './verify-user-token.js'

/** For routes on behalf of a user: `@UseGuards(UserTokenGuard)` and `@CallerUser()`. */
@Module({
  imports: [ClientsModule],
  providers: [PublishedKeySets, VerifyUserToken, UserTokenGuard],
  exports: [VerifyUserToken, UserTokenGuard],
})
export class UserTokensModule {}
