const LOOK_EVERY_MS = 500

/**
 * npm runs a script through a shell, and that shell does not hand on the SIGTERM that npm sends it: it dies, and the
 * script goes on without anybody to stop it. So a process that npm started stops when its shell is gone.
 * `exec` in package.json would do the same, and nothing at all on Windows.
 */
export function onNpmShellGone(stop: () => void, environment: NodeJS.ProcessEnv = process.env): void {
  if (!environment.npm_lifecycle_event) return
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    stop()
  }, LOOK_EVERY_MS)
  watch.unref()
}
