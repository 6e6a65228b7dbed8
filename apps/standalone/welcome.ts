import type { Settings } from '#platform/config/settings.js'

/** What a person who has just typed `npm start` needs to know next. */
export function welcome({ http, stores }: Settings): string {
  const { origin } = http.publicUrl
  const database = stores.databaseUrl
    ? 'PostgreSQL at DATABASE_URL'
    : `embedded PostgreSQL under ${stores.dataDirectory}`
  return `
  Mandate is listening on ${origin}   (${database}; stop it with Ctrl-C)

  Next, in another terminal:
    1. register your application
         npm run --silent mandate -- clients create --name "Acme Scheduler" \\
           --redirect-uri https://app.acme.test/connected --callback-origin https://app.acme.test
    2. tell Mandate which credential it may act with
         npm run --silent mandate -- providers set google --help
         npm run --silent mandate -- providers set microsoft --help
    3. send an administrator to
         ${origin}/enterprise_connect/oauth/authorize?response_type=code&client_id=…&redirect_uri=…
           &scope=service_account/accounts/manage&delegated_scope=read_only&state=…

  What clients can call is described at ${origin}/docs.
  To see all of it happen against stand-ins for Google and Microsoft: npm run demo

`
}
