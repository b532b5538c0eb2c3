import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ManifestRow, writeManifest, writeWav } from '@nemo/audio'
import type { ConfigObject } from '@nemo/core'
import { afterAll } from 'vitest'

/** Labels of the tiny recogniser; each sounds as a tone of its own. */
export const tinyLabels = [' ', 'a', 'b', 'c']
const SAMPLE_RATE = 8000
const SECONDS_PER_LABEL = 0.2

/** Config of a recogniser that learns tones in a few steps. */
export function tinyConfig(changes: ConfigObject = {}): ConfigObject {
  return {
    sample_rate: SAMPLE_RATE,
    labels: tinyLabels,
    preprocessor: {
      _target_: 'nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor',
      sample_rate: SAMPLE_RATE,
      features: 16,
      n_fft: 256,
      dither: 0,
      pad_to: 16,
    },
    encoder: {
      _target_: 'nemo.collections.asr.modules.ConvASREncoder',
      feat_in: 16,
      activation: 'relu',
      conv_mask: true,
      jasper: [
        {
          filters: 16,
          repeat: 1,
          kernel: [5],
          stride: [2],
          dilation: [1],
          dropout: 0,
          residual: false,
          separable: true,
        },
        {
          filters: 16,
          repeat: 1,
          kernel: [5],
          stride: [1],
          dilation: [1],
          dropout: 0,
          residual: true,
          separable: true,
        },
      ],
    },
    decoder: {
      _target_: 'nemo.collections.asr.modules.ConvASRDecoder',
      feat_in: 16,
      num_classes: tinyLabels.length,
      vocabulary: tinyLabels,
    },
    optim: { name: 'novograd', lr: 0.02, betas: [0.8, 0.5] },
    ...changes,
  }
}

/** Tones that spell a text, and a rest before each. */
export function tones(text: string, sampleRate = SAMPLE_RATE): Float32Array {
  const step = Math.round(SECONDS_PER_LABEL * sampleRate)
  const samples = new Float32Array(text.length * step)
  for (const [i, character] of [...text].entries()) {
    const frequency = 400 * (1 + tinyLabels.indexOf(character))
    for (let t = step / 4; t < step; t++)
      samples[i * step + t] = 0.3 * Math.sin((2 * Math.PI * frequency * t) / sampleRate)
  }
  return samples
}

/** Writes tones as a wav file. */
export async function writeTones(path: string, text: string, sampleRate = SAMPLE_RATE): Promise<void> {
  await writeWav(path, { sampleRate, channels: [tones(text, sampleRate)] })
}

/** A folder for the tests of a file. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nemo-asr-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Writes tones of texts and their manifest. @returns the manifest's path. */
export async function writeCorpus(
  folder: string,
  texts: readonly string[],
  more: readonly ManifestRow[] = [],
): Promise<string> {
  await mkdir(folder, { recursive: true })
  const rows: ManifestRow[] = []
  for (const [i, text] of texts.entries()) {
    const file = join(folder, `${i}.wav`)
    await writeTones(file, text)
    rows.push({ audio_filepath: file, duration: text.length * SECONDS_PER_LABEL, text })
  }
  const manifest = join(folder, 'manifest.json')
  await writeManifest(manifest, [...rows, ...more])
  return manifest
}
