/**
 * Packs what unit tests of packages/asr need of the reference data of n-gram models:
 *
 *   node --conditions=@nemo/source --import tsx tools/goldens/src/packKenLmFixtures.ts DIR
 *
 * DIR is the folder with KenLM's outputs. Each file stays below 200 kB.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'

const LARGEST_FIXTURE = 200_000
const folder = process.argv[2]
if (folder === undefined) throw new Error('Give the folder of the reference data: packKenLmFixtures.ts DIR')
const fixtures = fileURLToPath(new URL('../../../packages/asr/test/fixtures/kenlm/', import.meta.url))
mkdirSync(fixtures, { recursive: true })

const read = (...path: string[]): Buffer => readFileSync(join(folder, ...path))
const json = (...path: string[]): unknown => JSON.parse(read(...path).toString('utf8'))

function write(name: string, bytes: Uint8Array): void {
  if (bytes.length > LARGEST_FIXTURE) throw new Error(`${name}: ${bytes.length} bytes are too many for a fixture.`)
  writeFileSync(join(fixtures, name), bytes)
  console.log(name, bytes.length)
}

const gzip = (bytes: Uint8Array | string): Buffer => gzipSync(bytes, { level: 9 })

// Hand-made models and estimations of small texts, whole.
for (const name of ['small-arpa', 'small-lmplz']) {
  const files = readdirSync(join(folder, name)).filter((file) => file !== 'cases.json')
  const contents = Object.fromEntries(files.map((file) => [file, read(name, file).toString('base64')]))
  write(`${name}.json.gz`, gzip(JSON.stringify({ cases: json(name, 'cases.json'), files: contents })))
}

const models = ['o3-prune001.arpa', 'o3-prune001.trie-a22.bin', 'o5-prune001.trie-q6b4-a255.bin']
const scores = json('scores.json') as { models: Record<string, unknown> }
const kept = Object.fromEntries(models.map((name) => [name, scores.models[name]]))
write('scores.json.gz', gzip(JSON.stringify({ ...scores, models: kept })))
for (const name of models) write(`${name}.gz`, gzip(read(name)))
write('o5-prune001.arpa.gz', gzip(gunzipSync(read('o5-prune001.arpa.gz'))))
write('corpus.txt.gz', gzip(read('corpus.txt')))
write('lmplz.json', read('lmplz.json'))
write('hashes.json', read('hashes.json'))
