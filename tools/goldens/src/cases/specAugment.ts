import {
  CropOrPadSpectrogramAugmentation,
  SpectrogramAugmentation,
  type SpectrogramAugmentationConfig,
} from '@nemo/asr'
import type { TensorData } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'

interface Statistic {
  readonly mean: number
  readonly tolerance: number
}

interface SpecAugmentVariant {
  readonly name: string
  readonly features: number
  readonly frames: number
  readonly config: SpectrogramAugmentationConfig
  readonly runs: number
  readonly masked: Statistic
  readonly rows: Statistic
  readonly columns: Statistic
  readonly widest_rows: number
  readonly widest_columns: number
  readonly per_bin_probability: { readonly freq: readonly number[] | null; readonly time: readonly number[] | null }
  readonly exact_masked?: number
  readonly width_counts?: Readonly<Record<string, number>>
}

interface CropOrPadVariant {
  readonly audio_length: number
  readonly input: readonly (readonly number[])[]
  readonly output: readonly (readonly number[])[]
  readonly length: readonly number[]
}

const SEED = 1
const BATCH = 100

/** SpecAugment and SpecCutout by their statistics on an input of ones. */
export const specAugment: CaseHandler = {
  kind: 'spectrogram augmentation',
  matches: (golden) => {
    const variants = golden.list<Partial<SpecAugmentVariant>>('variants')
    const known = variants.every(
      ({ per_bin_probability, masked }) => per_bin_probability !== undefined && masked !== undefined,
    )
    return known && (variants.length > 0 || golden.list('crop_or_pad').length > 0)
  },
  async run(golden, comparison, { runtime }) {
    for (const variant of golden.list<SpecAugmentVariant>('variants')) {
      const { name, features, frames, runs } = variant
      const module = new SpectrogramAugmentation(variant.config)
      const data = new Float32Array(BATCH * features * frames).fill(1)
      const inputSpec: TensorData = { dtype: 'float32', shape: [BATCH, features, frames], data }
      const statistics = new MaskStatistics(features, frames)
      for (let step = 0; statistics.items < runs; step++) {
        const { augmentedSpec } = await module.run({ inputSpec }, { runtime, seed: SEED, step })
        statistics.add(augmentedSpec!.data as Float32Array)
      }
      await module.clearPrograms()
      const mean = (key: 'masked' | 'rows' | 'columns') => {
        const { mean, tolerance } = variant[key]
        comparison.number(`${name}/${key}`, statistics[key] / statistics.items, mean, tolerance)
      }
      mean('masked')
      mean('rows')
      mean('columns')
      if (variant.exact_masked !== undefined) {
        const share = statistics.masked / statistics.items
        comparison.number(`${name}/exact_masked`, share, variant.exact_masked, variant.masked.tolerance)
      }
      // The widest mask ever seen varies; what it can be at most does not.
      const widest = (what: string, got: number, limit: number) => {
        if (got > limit) comparison.fail(`${name}/${what}`, `${got} are masked at once, at most ${limit} can be`)
      }
      const { freq_masks = 0, freq_width = 10, time_masks = 0, time_width = 10 } = variant.config
      const timeWidth = time_width < 1 ? Math.max(1, Math.trunc(frames * time_width)) : time_width
      widest('widest_rows', statistics.widestRows, freq_masks * freq_width)
      widest('widest_columns', statistics.widestColumns, time_masks * timeWidth)
      for (const [axis, counts] of [
        ['freq', statistics.rowCounts],
        ['time', statistics.columnCounts],
      ] as const) {
        const exact = variant.per_bin_probability[axis]
        exact?.forEach((probability, i) => {
          // Five standard errors of a share.
          const tolerance = 5 * Math.sqrt((probability * (1 - probability)) / statistics.items) + 1e-9
          comparison.number(
            `${name}/per_bin_probability/${axis}/${i}`,
            counts[i]! / statistics.items,
            probability,
            tolerance,
          )
        })
      }
      if (variant.width_counts) {
        const widths = Object.keys(variant.width_counts)
        const counts = variant.per_bin_probability.freq ? statistics.rowWidths : statistics.columnWidths
        for (const width of widths) {
          const share = 1 / widths.length
          const tolerance = 5 * Math.sqrt((share * (1 - share)) / statistics.items)
          comparison.number(
            `${name}/width/${width}`,
            (counts.get(Number(width)) ?? 0) / statistics.items,
            share,
            tolerance,
          )
        }
      }
    }
    for (const variant of golden.list<CropOrPadVariant>('crop_or_pad')) {
      const module = new CropOrPadSpectrogramAugmentation({ audio_length: variant.audio_length })
      module.eval()
      const outputs = await module.run(
        { inputSignal: [variant.input], length: variant.length.map(() => variant.input[0]!.length) },
        { runtime },
      )
      const what = `crop_or_pad/${variant.audio_length}`
      comparison.equal(what, [...outputs.processedSignal!.data], variant.output.flat())
      comparison.equal(`${what}/length`, [...outputs.processedLength!.data].map(Number), variant.length)
      await module.clearPrograms()
    }
  },
}

/** Counts over items of what is zero. */
class MaskStatistics {
  items = 0
  masked = 0
  rows = 0
  columns = 0
  widestRows = 0
  widestColumns = 0
  readonly rowCounts: number[]
  readonly columnCounts: number[]
  readonly rowWidths = new Map<number, number>()
  readonly columnWidths = new Map<number, number>()

  constructor(
    readonly features: number,
    readonly frames: number,
  ) {
    this.rowCounts = new Array<number>(features).fill(0)
    this.columnCounts = new Array<number>(frames).fill(0)
  }

  /** @param data - `[B, features, frames]` */
  add(data: Float32Array): void {
    const { features, frames } = this
    const cells = features * frames
    for (let item = 0; item * cells < data.length; item++) {
      const rows = new Array<number>(features).fill(0)
      const columns = new Array<number>(frames).fill(0)
      let masked = 0
      for (let i = 0; i < cells; i++) {
        if (data[item * cells + i] !== 0) continue
        masked++
        rows[Math.floor(i / frames)]!++
        columns[i % frames]!++
      }
      const fullRows = rows.map((n) => n === frames)
      const fullColumns = columns.map((n) => n === features)
      const [rowCount, columnCount] = [fullRows.filter(Boolean).length, fullColumns.filter(Boolean).length]
      this.items++
      this.masked += masked / cells
      this.rows += rowCount / features
      this.columns += columnCount / frames
      this.widestRows = Math.max(this.widestRows, rowCount)
      this.widestColumns = Math.max(this.widestColumns, columnCount)
      fullRows.forEach((full, i) => {
        this.rowCounts[i]! += Number(full)
      })
      fullColumns.forEach((full, i) => {
        this.columnCounts[i]! += Number(full)
      })
      this.rowWidths.set(rowCount, (this.rowWidths.get(rowCount) ?? 0) + 1)
      this.columnWidths.set(columnCount, (this.columnWidths.get(columnCount) ?? 0) + 1)
    }
  }
}
