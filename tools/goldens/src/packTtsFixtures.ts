/**
 * Packs the reference values that unit tests of packages/tts need into a small safetensors file:
 *
 *   node --conditions=@nemo/source --import tsx tools/goldens/src/packTtsFixtures.ts DIR
 *
 * The metadata key `case` holds what the cases' case.json say; tolerances stand in its `arrays`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type StateDict, writeSafetensors } from '@nemo/core'
import { type ArraySpec, GoldenCase } from './goldenCase.js'

const fixtures = fileURLToPath(new URL('../../../packages/tts/test/fixtures/', import.meta.url))
const folder = resolve(process.argv[2] ?? '.')
const parts = ['mpd', 'msd']

const arrays: Record<string, ArraySpec> = {}
const tensors: StateDict = new Map()
function take(golden: GoldenCase, wanted: (name: string) => boolean): void {
  for (const name of Object.keys(golden.arrays).filter(wanted)) {
    arrays[name] = golden.spec(name)
    tensors.set(name, golden.array(name))
  }
}

const mel = new GoldenCase(join(folder, 'tts-mel'))
take(mel, (name) => name.startsWith('stft_loss/'))
take(new GoldenCase(join(folder, 'tts-hifigan')), (name) =>
  parts.some(
    (part) => name.startsWith(`${part}/eval/score_`) || /^eval\/(disc|gen)_loss$/.test(name.slice(part.length + 1)),
  ),
)
const json = { stft_losses: mel.json.stft_losses, parts, arrays }
const bytes = writeSafetensors(tensors, new Map([['case', JSON.stringify(json)]]))
mkdirSync(fixtures, { recursive: true })
writeFileSync(join(fixtures, 'losses.safetensors'), bytes)
console.log(bytes.length)
