import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

const folder = new URL('./fixtures/sentencePiece/', import.meta.url)

/** What tools/reference/tokenizerFixtures.py writes. */
export interface Encodings {
  readonly sentences: readonly string[]
  readonly goldens: Readonly<Record<string, Golden>>
  readonly trained: Readonly<Record<string, readonly Row[]>>
}

export interface Golden {
  readonly ids: readonly (readonly number[])[]
  /** Joined by U+0001. */
  readonly pieces: readonly string[]
  readonly ids_to_text: readonly string[]
  readonly pieces_to_text: readonly string[]
}

export interface Row {
  readonly text: string
  readonly ids: readonly number[]
  readonly pieces: readonly string[]
  readonly decoded: string
  readonly random_ids: readonly [readonly number[], string]
  readonly random_pieces: readonly [readonly string[], string]
}

const unzip = (name: string): Uint8Array => gunzipSync(readFileSync(new URL(name, folder)))

export const encodings = JSON.parse(new TextDecoder().decode(unzip('encodings.json.gz'))) as Encodings

const rules: Readonly<Record<string, 'nmt_nfkc' | 'nmt_nfkc_cf' | null>> = {
  unigram96: 'nmt_nfkc_cf',
  char: 'nmt_nfkc_cf',
  'unigram-spaces': 'nmt_nfkc_cf',
  'unigram-unused': 'nmt_nfkc_cf',
  identity: null,
}

/** Bytes of a model, with the normalisation rules that the fixture leaves out. */
export function modelBytes(name: string): Uint8Array {
  const model = readFileSync(new URL(`${name}.model`, folder))
  const rule = rules[name] === undefined ? 'nmt_nfkc' : rules[name]
  if (rule === null) return model
  const spec = new BinaryWriter()
    .tag(2, WireType.LengthDelimited)
    .bytes(unzip(`${rule}.charsmap.gz`))
    .finish()
  // A second normalizer_spec merges with the first.
  return Buffer.concat([model, new BinaryWriter().tag(3, WireType.LengthDelimited).bytes(spec).finish()])
}
