import type { Config } from '../../config/config.js'
import type { ConfigObject } from '../../config/configValue.js'

/** Big numbers at the top: what the run achieved. */
export interface FiguresSection {
  readonly kind: 'figures'
  readonly title?: string
  readonly figures: readonly {
    readonly label: string
    /** Numbers are written with four significant digits; text stays. */
    readonly value: number | string
    readonly unit?: string
    /** A line below, for example what the value is compared with. */
    readonly note?: string
  }[]
}

/** One line of a chart. Points whose y is not finite make a gap. */
export interface ChartSeries {
  readonly name: string
  readonly x: ArrayLike<number>
  readonly y: ArrayLike<number>
}

/** A line chart with a tooltip. */
export interface ChartSection {
  readonly kind: 'chart'
  readonly title: string
  readonly description?: string
  readonly series: readonly ChartSeries[]
  /** Default `step`. */
  readonly xLabel?: string
  readonly yLabel?: string
  /** `linear` (default) or `log`: the scale shown first. If all values are positive, the reader can switch. */
  readonly yScale?: 'linear' | 'log'
  /** Weight of the past in a smoothed line drawn over the faint raw one, 0 to 1. Default 0: none. */
  readonly smoothing?: number
}

/** Charts side by side. */
export interface ChartsSection {
  readonly kind: 'charts'
  readonly title: string
  readonly description?: string
  readonly charts: readonly Omit<ChartSection, 'kind'>[]
}

/** A table; a click on a column's head sorts by it. */
export interface TableSection {
  readonly kind: 'table'
  readonly title: string
  readonly description?: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

/** A config as YAML, folded away if it is long. */
export interface ConfigSection {
  readonly kind: 'config'
  readonly title: string
  readonly config: Config | ConfigObject
}

/** Sounds to play. */
export interface AudioSection {
  readonly kind: 'audio'
  readonly title: string
  readonly description?: string
  readonly clips: readonly {
    readonly label: string
    /** A whole WAV file. */
    readonly wav: Uint8Array
    readonly text?: string
    /** A picture of it, for example its spectrogram, as a PNG file. */
    readonly png?: Uint8Array
  }[]
}

/** Pictures: spectrograms, alignments. */
export interface ImagesSection {
  readonly kind: 'images'
  readonly title: string
  readonly description?: string
  readonly images: readonly { readonly label: string; readonly png: Uint8Array; readonly note?: string }[]
}

/** What should have been recognised and what was, differences marked. */
export interface TextSamplesSection {
  readonly kind: 'textSamples'
  readonly title: string
  readonly description?: string
  /** Compare by words (default) or characters. */
  readonly unit?: 'word' | 'character'
  readonly samples: readonly {
    readonly reference: string
    readonly hypothesis: string
    readonly label?: string
    /** Shown beside the label: `WER 33 %`. */
    readonly note?: string
    readonly wav?: Uint8Array
    readonly png?: Uint8Array
  }[]
}

/** Paragraphs, separated by empty lines. */
export interface TextSection {
  readonly kind: 'text'
  readonly title: string
  readonly text: string
}

/** A part of a report. */
export type ReportSection =
  | FiguresSection
  | ChartSection
  | ChartsSection
  | TableSection
  | ConfigSection
  | AudioSection
  | ImagesSection
  | TextSamplesSection
  | TextSection
