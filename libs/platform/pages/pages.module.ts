import { Module } from '@nestjs/common'
import { PageAssetsController } from './page-assets.controller.js'
import { PageAssets } from './page-assets.js'
import { Pages } from './pages.js'

/** For the HTTP half of a feature that shows pages to people. */
@Module({ providers: [PageAssets, Pages], controllers: [PageAssetsController], exports: [Pages] })
export class PagesModule {}
