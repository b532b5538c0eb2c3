import type { Config } from '../config/config.js'
import type { ConfigObject } from '../config/configValue.js'
import { formatDuration } from '../logging/progressBar.js'
import type { MetricSeries } from '../trainer/callbacks/metricsHistory.js'
import type { ChartsSection, FiguresSection, ReportSection } from './report/sections.js'
import type { Report } from './report/writeReport.js'

/** What the report of a run tells. */
export interface RunReport {
  readonly title: string
  readonly subtitle: string
  readonly status: string
  readonly seconds: number
  /** Curves by name. */
  readonly series: ReadonlyMap<string, MetricSeries>
  readonly metrics: Readonly<Record<string, number>>
  /** How many weights the model has. */
  readonly weights?: number
  readonly config?: Config | ConfigObject
  /** Parts of the recipe's own: samples, sounds, spectrograms. */
  readonly sections?: readonly ReportSection[]
}

/** `train_loss`, `val_loss` and `dev_other_val_loss` are curves of one quantity, the loss. */
function quantityOf(name: string): string {
  return name.replace(/^(?:.*_)?(?:train|val|test)_/, '').replace(/^training_batch_/, '')
}

/** Charts of all curves, one for each quantity, losses first. */
function charts(series: ReadonlyMap<string, MetricSeries>): ChartsSection['charts'] {
  const byQuantity = new Map<string, string[]>()
  for (const name of series.keys())
    byQuantity.set(quantityOf(name), [...(byQuantity.get(quantityOf(name)) ?? []), name])
  const rank = (quantity: string) => (quantity.includes('loss') ? 0 : byQuantity.get(quantity)!.length > 1 ? 1 : 2)
  return [...byQuantity]
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([quantity, names]) => ({
      title: quantity,
      xLabel: 'step',
      yScale: quantity.includes('loss') ? ('log' as const) : ('linear' as const),
      series: names.map((name) => ({ name, x: series.get(name)!.steps, y: series.get(name)!.values })),
    }))
}

/** Error rates are shares, and people read them in per cent. */
function figure(label: string, value: number): FiguresSection['figures'][number] {
  if (!/_(?:wer|cer)$/.test(label)) return { label, value }
  return { label, value: Number((value * 100).toFixed(2)), unit: '%' }
}

/** The report that every run gets: figures, curves, a table of metrics, the recipe's own sections, the config. */
export function runReport(run: RunReport): Report {
  const { series, metrics, config, sections = [] } = run
  const final = Object.entries(metrics).filter(([name]) => /^(?:val|test)_/.test(name))
  const rows = [...series].map(([name, { steps, values }]) => {
    const finite = values.filter(Number.isFinite)
    return [name, values.length, steps.at(-1) ?? null, values.at(-1) ?? null, lowest(finite), highest(finite)]
  })
  return {
    title: run.title,
    subtitle: run.subtitle,
    sections: [
      {
        kind: 'figures',
        figures: [
          ...final.slice(0, 6).map(([label, value]) => figure(label, value)),
          ...(run.weights === undefined ? [] : [{ label: 'Weights', value: run.weights.toLocaleString('en-US') }]),
          { label: 'Time', value: formatDuration(run.seconds) },
          ...(run.status === 'completed' ? [] : [{ label: 'Status', value: run.status }]),
        ],
      },
      ...(series.size > 0 ? [{ kind: 'charts' as const, title: 'Curves', charts: charts(series) }] : []),
      ...sections,
      ...(rows.length > 0
        ? [
            {
              kind: 'table' as const,
              title: 'Metrics',
              columns: ['metric', 'values', 'last step', 'last', 'lowest', 'highest'],
              rows,
            },
          ]
        : []),
      ...(config ? [{ kind: 'config' as const, title: 'Config', config }] : []),
    ],
  }
}

const lowest = (values: readonly number[]) => (values.length > 0 ? values.reduce((a, b) => Math.min(a, b)) : null)
const highest = (values: readonly number[]) => (values.length > 0 ? values.reduce((a, b) => Math.max(a, b)) : null)
