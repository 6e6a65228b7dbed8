/**
 * Watches which properties somebody reads. The validators of Kubernetes read those that they know and ignore the others,
 * so what is left unread is a typing error that would go through.
 */
export function unreadIn<T extends object>(value: T): { watched: T; unread: () => string[] } {
  const unread = new Set<string>()
  const watch = (each: unknown, path: string): unknown => {
    if (typeof each !== 'object' || each === null) return each
    const watched = new Map(Object.entries(each).map(([name, inner]) => [name, watch(inner, `${path}.${name}`)]))
    for (const name of watched.keys()) unread.add(`${path}.${name}`)
    return new Proxy(each, {
      get(target, name) {
        if (typeof name !== 'string' || !watched.has(name)) return Reflect.get(target, name)
        unread.delete(`${path}.${name}`)
        return watched.get(name)
      },
    })
  }
  return { watched: watch(value, '') as T, unread: () => [...unread] }
}
