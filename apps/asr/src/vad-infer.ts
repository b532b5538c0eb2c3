/**
 * Finds speech in recordings with a trained voice activity model: probabilities of frames, and RTTM files.
 *
 *   pnpm recipe asr/vad-infer vad_model=MODEL.nemo dataset=[a.wav,b.flac] out_dir=DIR [vad.onset=0.7 ...]
 *
 * Writes DIR/NAME.frame (a probability for each frame, as NeMo's vad_infer.py does) and DIR/NAME.rttm for each recording;
 * memory does not grow with their length.
 */
import { mkdir, open, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecClassificationModel, rttmLines, VoiceActivityDetector } from '@nemo/asr'
import { readManifest } from '@nemo/audio'
import { hydraRunner } from '@nemo/core'
import { z } from 'zod'
import { printTable } from './training/closingTable.js'
import { progress } from './training/connectedDigits.js'
import { vadOptions, vadSettingsSchema } from './training/vadSettings.js'

const schema = z.strictObject({
  name: z.string(),
  vad_model: z.string(),
  dataset: z.union([z.string(), z.array(z.string())]),
  out_dir: z.string(),
  vad: vadSettingsSchema,
})

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'vad-infer',
    schema,
    description: 'Finds speech in recordings.',
  },
  async ({ vad_model, dataset, out_dir, vad }) => {
    const model = vad_model.endsWith('.nemo')
      ? await EncDecClassificationModel.restoreFrom<EncDecClassificationModel>(vad_model)
      : await EncDecClassificationModel.fromPretrained<EncDecClassificationModel>(vad_model)
    const files = await audioFiles(dataset)
    const { inference, decision } = vadOptions(vad)
    const detector = new VoiceActivityDetector(model, inference)
    await mkdir(out_dir, { recursive: true })
    const { onProgress } = progress('looking for speech', 'recording')
    const rows: string[][] = []
    for (const [i, file] of files.entries()) {
      const name = basename(file, extname(file))
      const frames = await writeFrames(join(out_dir, `${name}.frame`), detector.framesByPart(file))
      const segments = detector.decide(frames, decision)
      await writeFile(
        join(out_dir, `${name}.rttm`),
        rttmLines(segments, name)
          .map((line) => `${line}\n`)
          .join(''),
      )
      const spoken = segments.reduce((sum, { duration }) => sum + duration, 0)
      const whole = frames.length * vad.shift_length_in_sec
      rows.push([name, `${whole.toFixed(2)} s`, `${spoken.toFixed(2)} s`, String(segments.length)])
      onProgress(i + 1, files.length)
    }
    printTable(['recording', 'length', 'speech', 'stretches'], rows)
    console.log(out_dir)
    return undefined
  },
)

/** Writes probabilities a part at a time. @returns all of them. */
async function writeFrames(path: string, parts: AsyncIterable<Float32Array>): Promise<number[]> {
  const frames: number[] = []
  const file = await open(path, 'w')
  try {
    for await (const part of parts) {
      await file.write(Array.from(part, (frame) => `${frame.toFixed(4)}\n`).join(''))
      for (const frame of part) frames.push(frame)
    }
  } finally {
    await file.close()
  }
  return frames
}

/** The audio files of a manifest, each once, or the list itself. */
async function audioFiles(dataset: string | readonly string[]): Promise<readonly string[]> {
  if (typeof dataset !== 'string') return dataset
  if (!dataset.endsWith('.json')) return [dataset]
  const found = new Set<string>()
  for await (const { audioFile } of readManifest(dataset, { target: 'none' })) found.add(audioFile)
  return [...found]
}
