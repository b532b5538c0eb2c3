import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { WandbLogger } from './wandbLogger.js'

// W&B's own library, speaking to a server of its protocol on this machine.
interface Request {
  readonly path: string
  readonly authorization: string
  readonly body: {
    readonly query?: string
    readonly variables?: Record<string, string>
    readonly files?: Record<string, { readonly content: readonly string[] }>
    readonly exitcode?: number
  }
}

let server: Server
let requests: Request[]
beforeEach(async () => {
  requests = []
  server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const body = JSON.parse(text) as Request['body']
    requests.push({ path: request.url!, authorization: request.headers.authorization ?? '', body })
    const bucket = { id: '1', name: 'run', displayName: 'first' }
    const data = body.query?.includes('upsertBucket')
      ? { upsertBucket: { bucket, inserted: true } }
      : { viewer: { id: 'u', entity: 'team' } }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('WANDB_BASE_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  vi.stubEnv('WANDB_API_KEY', 'k'.repeat(40))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

it('W&B’s library sends settings, metrics by step, text and the end of the run', async () => {
  const logger = await WandbLogger.open({
    config: { model: { lr: 0.5 }, name: 'x' },
    init: { project: 'digits', name: 'first' },
  })
  logger.logMetrics({ train_loss: 2.5 }, 10)
  logger.logMetrics({ train_loss: 1.25, strange: Number.POSITIVE_INFINITY }, 20)
  logger.logText('sample', 'six four', 30)
  await logger.close('failed')

  const run = requests.find(({ body }) => body.query?.includes('upsertBucket'))!.body.variables!
  expect(run).toMatchObject({ project: 'digits', displayName: 'first' })
  expect(JSON.parse(run.config!)).toMatchObject({ 'model/lr': 0.5, name: 'x' })
  const files = requests.filter(({ path }) => path.endsWith('/file_stream'))
  expect(files[0]!.authorization).toBe(`Basic ${Buffer.from(`api:${'k'.repeat(40)}`).toString('base64')}`)
  const rows = files
    .flatMap(({ body }) => body.files?.['wandb-history.jsonl']?.content ?? [])
    .map((row) => JSON.parse(row) as object)
  expect(rows).toMatchObject([
    { train_loss: 2.5, _step: 10 },
    { train_loss: 1.25, strange: 'Infinity', _step: 20 },
    { sample: 'six four', _step: 30 },
  ])
  expect(files.at(-1)!.body.exitcode).toBe(1)
})

it('a service that does not answer is named', async () => {
  server.removeAllListeners('request')
  const opening = WandbLogger.open({ init: { project: 'digits' }, timeoutSeconds: 0.2 })
  await expect(opening).rejects.toThrow(/no answer for 0.2 s.*WANDB_API_KEY/)
})
