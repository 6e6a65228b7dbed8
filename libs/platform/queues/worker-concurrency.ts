/** How many jobs of one queue a worker process runs at once. */
export const WORKER_CONCURRENCY = Symbol('worker concurrency')
