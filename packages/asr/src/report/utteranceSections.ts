import { encodeWav, readAudio } from '@nemo/audio'
import { type ReportSection, spectrogramImage } from '@nemo/core'
import { countErrors } from '../metrics/wer.js'
import type { AudioEncoderModel } from '../models/audioEncoderModel.js'

/** An utterance with what a model recognised in it. */
export interface RecognizedUtterance {
  readonly reference: string
  readonly hypothesis: string
  readonly audioFile: string
  /** Seconds to skip at the start of the file. */
  readonly offset?: number | undefined
  /** Seconds of audio; 0 or none for the rest of the file. */
  readonly duration?: number | undefined
}

/** Options of {@link utteranceSections}. */
export interface UtteranceSectionsOptions {
  /** Name of the set, for the title. */
  readonly set: string
  /** Count errors of characters instead of words. Default false. */
  readonly useCer?: boolean
  /** How many of the utterances with most errors to show. Default 12. */
  readonly worst?: number
  /** How many without errors to show. Default 4. */
  readonly right?: number
}

/**
 * What a report shows of recognised utterances: those with most errors, then some without, each with differences marked, sound
 * and spectrogram. Nothing for no utterances.
 *
 * @throws AudioError for a sound file that cannot be read.
 */
export async function utteranceSections(
  model: AudioEncoderModel,
  utterances: readonly RecognizedUtterance[],
  { set, useCer = false, worst = 12, right = 4 }: UtteranceSectionsOptions,
): Promise<ReportSection[]> {
  if (utterances.length === 0) return []
  const unit = useCer ? 'character' : 'word'
  const counted = utterances.map((utterance) => ({
    ...utterance,
    ...countErrors(utterance.hypothesis, utterance.reference, useCer),
  }))
  const wrong = counted
    .filter(({ errors }) => errors > 0)
    .sort((a, b) => b.errors / Math.max(1, b.units) - a.errors / Math.max(1, a.units))
  const shown = [...wrong.slice(0, worst), ...counted.filter(({ errors }) => errors === 0).slice(0, right)]
  const samples = []
  for (const { errors, units, ...utterance } of shown) {
    const { reference, hypothesis, audioFile, offset = 0 } = utterance
    const file = audioFile.split(/[\\/]/).at(-1)!
    samples.push({
      reference,
      hypothesis,
      label: offset > 0 ? `${file} from ${offset} s` : file,
      note: `${count(errors, 'error')} in ${count(units, unit)}`,
      ...(await soundOf(model, utterance)),
    })
  }
  const description = `${count(wrong.length, 'utterance')} of ${utterances.length} with errors. Most errors first, then some without.`
  return [{ kind: 'textSamples', title: `Utterances: ${set}`, description, unit, samples }]
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

/** The utterance as the model hears it: a WAV file at its rate, and a picture of its features. */
async function soundOf(
  model: AudioEncoderModel,
  { audioFile, offset, duration }: RecognizedUtterance,
): Promise<{ readonly wav: Uint8Array; readonly png: Uint8Array }> {
  const { sampleRate } = model
  const { samples } = await readAudio(audioFile, { sampleRate, offset, duration })
  const wav = encodeWav({ sampleRate, channels: [samples] })
  const { processedSignal, processedLength } = await model.withMode(false, () =>
    model.preprocessor.run({
      inputSignal: { dtype: 'float32', shape: [1, samples.length], data: samples },
      length: [samples.length],
    }),
  )
  const frames = Number(processedLength!.data[0])
  const [, bands, padded] = processedSignal!.shape as readonly [number, number, number]
  const features = new Float32Array(bands * frames)
  for (let band = 0; band < bands; band++) {
    const start = band * padded
    features.set((processedSignal!.data as Float32Array).subarray(start, start + frames), band * frames)
  }
  return { wav, png: spectrogramImage(features, { rows: bands, columns: frames }) }
}
