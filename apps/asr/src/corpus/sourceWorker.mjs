// Starts a worker thread from TypeScript sources, for tests and development; compiled code never loads it.
// `node --import tsx` reaches the main thread only, so the thread registers tsx itself.
import { register } from 'tsx/esm/api'

register()
await import(new URL('./spokenDigitsWorker.ts', import.meta.url).href)
