import { defineJob } from '#platform/queues/job.js'

/** From accept-requests (or the sweeper) to mint-access: the provider has to be asked about this request. */
export const MINT_ACCESS = defineJob<{ requestId: string }>({
  name: 'mint-access',
  id: ({ requestId }) => `mint-${requestId}`,
})

/** From mint-access (or the sweeper, or a redelivery) to deliver-callback: the client has to be told. */
export const DELIVER_CALLBACK = defineJob<{ requestId: string }>({
  name: 'deliver-callback',
  id: ({ requestId }) => `deliver-${requestId}`,
})
