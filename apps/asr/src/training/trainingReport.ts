import { readFile } from 'node:fs/promises'
import { countErrors, type EncDecCTCModel, type TranscriptMetrics } from '@nemo/asr'
import { readAudio } from '@nemo/audio'
import {
  type Config,
  type Experiment,
  formatDuration,
  type MetricsHistory,
  type ReportSection,
  spectrogramImage,
  writeReport,
} from '@nemo/core'

/** What a training report shows. */
export interface TrainingReport {
  readonly title: string
  readonly experiment: Experiment
  readonly composed: Config
  readonly history: MetricsHistory
  readonly model: EncDecCTCModel
  readonly metrics: Readonly<Record<string, number>>
  readonly transcripts: TranscriptMetrics['transcripts']
  readonly facts: Readonly<Record<string, string>>
}

const WORST = 12

/** Writes `report.html`: figures, curves, the worst and some good utterances with sound and spectrogram, the config. */
export async function writeTrainingReport(path: string, report: TrainingReport): Promise<void> {
  const { history, metrics, transcripts, model, experiment } = report
  const series = (name: string, label = name) => {
    const { steps, values } = history.series.get(name) ?? { steps: [], values: [] }
    return { name: label, x: steps, y: values }
  }
  const ranked = transcripts
    .map((transcript) => ({ ...transcript, ...countErrors(transcript.hypothesis, transcript.reference) }))
    .sort((a, b) => b.errors / Math.max(1, b.units) - a.errors / Math.max(1, a.units))
  const shown = [...ranked.slice(0, WORST), ...ranked.filter(({ errors }) => errors === 0).slice(0, 4)]
  const sections: ReportSection[] = [
    {
      kind: 'figures',
      figures: [
        { label: 'Word error rate (test)', value: percent(metrics.test_wer ?? metrics.val_wer), unit: '%' },
        { label: 'Loss (test)', value: metrics.test_loss ?? metrics.val_loss ?? Number.NaN },
        { label: 'Weights', value: model.numWeights },
        { label: 'Time', value: formatDuration(experiment.seconds) },
        ...Object.entries(report.facts).map(([label, value]) => ({ label, value })),
      ],
    },
    {
      kind: 'charts',
      title: 'Training',
      charts: [
        {
          title: 'Loss',
          xLabel: 'step',
          yScale: 'log',
          series: [series('train_loss', 'training'), series('val_loss', 'validation')],
        },
        {
          title: 'Word error rate',
          xLabel: 'step',
          series: [series('val_wer', 'validation'), series('training_batch_wer', 'training batch')],
        },
        { title: 'Learning rate', xLabel: 'step', series: [series('learning_rate')] },
      ],
    },
    {
      kind: 'textSamples',
      title: 'Test utterances',
      description: `The ${Math.min(WORST, ranked.length)} with most errors, then some without.`,
      samples: await Promise.all(
        shown.map(async ({ reference, hypothesis, audioFile, errors, units }) => ({
          reference,
          hypothesis,
          label: audioFile.split(/[\\/]/).at(-1)!,
          note: `${errors} error(s) in ${units} word(s)`,
          wav: await readFile(audioFile),
          png: await spectrogram(model, audioFile),
        })),
      ),
    },
    { kind: 'config', title: 'Config', config: report.composed },
  ]
  await writeReport(path, { title: report.title, subtitle: `${experiment.name} ${experiment.version ?? ''}`, sections })
}

const percent = (share: number | undefined): number => Number(((share ?? Number.NaN) * 100).toFixed(2))

async function spectrogram(model: EncDecCTCModel, audioFile: string): Promise<Uint8Array> {
  const { samples } = await readAudio(audioFile, { sampleRate: model.sampleRate })
  const features = await model.preprocessor.run({
    inputSignal: { dtype: 'float32', shape: [1, samples.length], data: samples },
    length: [samples.length],
  })
  const mel = features.processedSignal!
  const frames = Number(features.processedLength!.data[0])
  const [, bands, padded] = mel.shape as readonly [number, number, number]
  const valid = new Float32Array(bands * frames)
  for (let band = 0; band < bands; band++) {
    valid.set((mel.data as Float32Array).subarray(band * padded, band * padded + frames), band * frames)
  }
  return spectrogramImage(valid, { rows: bands, columns: frames })
}
