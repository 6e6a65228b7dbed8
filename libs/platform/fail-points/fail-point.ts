/** Where this process is to die, and at which time of passing; null outside tests of crashes. */
let armed: { name: string; passes: number } | null = null

/** @param setting `name`, or `name:n` for the n-th time that this process comes by; see MANDATE_FAIL_POINT */
export function armFailPoint(setting: string | null): void {
  const [name, passes = '1'] = setting?.split(':') ?? []
  armed = name ? { name, passes: Number(passes) } : null
}

/** A moment between two lines at which a process may die. Does nothing, unless this process was started to die here. */
export function failPoint(name: string): void {
  if (armed !== null && armed.name === name && --armed.passes === 0) process.kill(process.pid, 'SIGKILL')
}
