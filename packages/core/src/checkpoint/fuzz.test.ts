import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixture } from '../../test/checkpoint/describeValue.js'
import { CheckpointError } from './errors.js'
import { packNemo, readNemo } from './nemoArchive.js'
import type { StateDict } from './pythonValue.js'
import { readTorch } from './readTorch.js'
import { readSafetensors } from './safetensors.js'
import { lightningModules } from './torchGlobals.js'

const tiny: StateDict = new Map([
  ['weight', { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['steps', { dtype: 'int64', shape: [], data: BigInt64Array.of(24n) }],
])
const nemo = packNemo({
  config: 'labels: [a, b]\n',
  weights: tiny,
  artifacts: new Map([['vocab.txt', Uint8Array.of(97)]]),
})
const torch = (bytes: Uint8Array) => readTorch(bytes, { opaque: lightningModules })

/** The archive with all checksums zero, which readers take as "none": damage then reaches what lies behind. */
function withoutChecksums(zip: Uint8Array): Uint8Array {
  const bytes = Buffer.from(zip)
  const signature = Buffer.from('PK\x01\x02', 'latin1')
  for (let at = bytes.indexOf(signature); at >= 0; at = bytes.indexOf(signature, at + 1))
    bytes.writeUInt32LE(0, at + 16)
  return new Uint8Array(bytes)
}

/** Every format, with a reader. */
const subjects: readonly [string, Uint8Array, (bytes: Uint8Array) => unknown][] = [
  ['PyTorch zip layout', fixture('torch2.15-zip-tensors.pt'), torch],
  ['PyTorch zip layout, nested values', fixture('torch1.13-zip-training.pt'), torch],
  ['PyTorch zip layout without checksums', withoutChecksums(fixture('torch1.13-zip-tensors.pt')), torch],
  ['Lightning checkpoint without checksums', withoutChecksums(fixture('lightning1.9.ckpt')), torch],
  ['PyTorch legacy layout', fixture('torch1.5-legacy-tensors.pt'), torch],
  ['PyTorch legacy layout, nested values', fixture('torch2.15-legacy-training.pt'), torch],
  ['Lightning checkpoint', fixture('lightning1.9.ckpt'), torch],
  ['safetensors', fixture('reference.safetensors'), readSafetensors],
  ['.nemo', nemo, readNemo],
  ['.nemo without gzip', new Uint8Array(gunzipSync(nemo)), readNemo],
  ['.nemo of stored blocks', new Uint8Array(gzipSync(gunzipSync(nemo), { level: 0 })), readNemo],
]

/** Reads, and lets only the named errors pass as refusals. */
async function outcome(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): Promise<'read' | 'refused'> {
  try {
    await read(bytes)
    return 'read'
  } catch (error) {
    if (error instanceof CheckpointError) return 'refused'
    throw error
  }
}

describe.each(subjects)('%s', (_, whole, read) => {
  test('the whole file is read', async () => {
    expect(await outcome(read, whole)).toBe('read')
  })

  test('a truncated file is refused with a named error', async () => {
    const step = Math.max(1, Math.floor(whole.length / 300))
    for (let length = 0; length < whole.length; length += step) {
      const result = await outcome(read, whole.subarray(0, length))
      // A tar archive may lack its padding, and the end of a pickle's file may hold unused bytes.
      if (length < whole.length / 2) expect(result).toBe('refused')
    }
  })

  test('flipped bits are read or refused with a named error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(7)), { minLength: 1, maxLength: 4 }),
        async (flips) => {
          const damaged = whole.slice()
          for (const [at, bit] of flips) damaged[at]! ^= 1 << bit
          await outcome(read, damaged)
        },
      ),
      { seed: 1, numRuns: 400 },
    )
  })

  test('overwritten, removed and repeated stretches are read or refused with a named error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length),
        fc.nat(64),
        fc.uint8Array({ maxLength: 64 }),
        async (at, removed, inserted) => {
          const damaged = new Uint8Array([...whole.subarray(0, at), ...inserted, ...whole.subarray(at + removed)])
          await outcome(read, damaged)
        },
      ),
      { seed: 2, numRuns: 200 },
    )
  })
})

test('arbitrary bytes behind the magic numbers are refused with a named error', async () => {
  const magics = [
    [],
    [0x50, 0x4b, 3, 4],
    [0x50, 0x4b, 5, 6],
    [0x1f, 0x8b, 8],
    [...fixture('torch1.5-legacy-tensors.pt').subarray(0, 15)],
  ]
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 800 }), async (magic, rest) => {
      const bytes = Uint8Array.from([...magic, ...rest])
      for (const read of [torch, readSafetensors, readNemo]) expect(await outcome(read, bytes)).toBe('refused')
    }),
    { seed: 3, numRuns: 500 },
  )
})
