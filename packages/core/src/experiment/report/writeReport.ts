import { atomicWriteFile } from '../../checkpoint/atomicWriteFile.js'
import { Config } from '../../config/config.js'
import { stringifyYaml } from '../../config/stringifyYaml.js'
import { formatMetric } from '../../logging/progressBar.js'
import { readableYaml } from '../readableYaml.js'
import { dataUri, escapeHtml, slug } from './html.js'
import { lineChart } from './lineChart.js'
import { REPORT_SCRIPT } from './reportScript.js'
import { REPORT_STYLE } from './reportStyle.js'
import type {
  AudioSection,
  ConfigSection,
  FiguresSection,
  ImagesSection,
  ReportSection,
  TableSection,
  TextSamplesSection,
} from './sections.js'
import { alignTexts } from './textDiff.js'

/** What a report consists of. */
export interface Report {
  readonly title: string
  /** A line below the title: when, how long, on what. */
  readonly subtitle?: string
  readonly sections: readonly ReportSection[]
  /** Language of the texts, for the browser. Default `en`. */
  readonly language?: string
}

// Longer configs start folded.
const OPEN_CONFIG_LINES = 40

const note = (text: string | undefined): string => (text ? `<p class="note">${escapeHtml(text)}</p>` : '')

function figures({ figures: list }: FiguresSection): string {
  const tiles = list.map(({ label, value, unit, note: hint }) => {
    const text = typeof value === 'number' ? formatMetric(value) : value
    const small = unit ? `<small>${escapeHtml(unit)}</small>` : ''
    const below = hint ? `<dd class="hint">${escapeHtml(hint)}</dd>` : ''
    return `<div><dt>${escapeHtml(label)}</dt><dd class="value">${escapeHtml(text)}${small}</dd>${below}</div>`
  })
  return `<dl class="figures">${tiles.join('')}</dl>`
}

function table({ columns, rows }: TableSection): string {
  const numeric = columns.map((_, column) =>
    rows.every((row) => row[column] === null || row[column] === undefined || typeof row[column] === 'number'),
  )
  const kind = (column: number): string => (numeric[column] && rows.length > 0 ? ' class="number"' : '')
  const head = columns.map(
    (name, column) => `<th scope="col"${kind(column)}><button type="button">${escapeHtml(name)}</button></th>`,
  )
  const body = rows.map((row) => {
    const cells = columns.map((_, column) => {
      const value = row[column] ?? null
      if (typeof value === 'number') return `<td${kind(column)} data-sort="${value}">${formatMetric(value)}</td>`
      return `<td${kind(column)}>${value === null ? '' : escapeHtml(value)}</td>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  if (rows.length === 0) return '<p class="empty">No rows.</p>'
  return `<div class="scroll"><table class="data"><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

/** YAML with keys, strings and other scalars in their own colours. */
function highlightYaml(yaml: string): string {
  return yaml
    .trimEnd()
    .split('\n')
    .map((line) => {
      const parts = /^(\s*(?:- )*)((?:'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^'"#:\s][^:]*):)?(\s*)(.*)$/.exec(line)
      if (parts === null) return escapeHtml(line)
      const [, lead, key, space, value] = parts as unknown as [string, string, string | undefined, string, string]
      const literal = /^(?:null|true|false|[-+.]?[\d.][\d.e+-]*|[-+]?\.inf|\.nan|\[\]|\{\})$/.test(value)
      const name = key === undefined ? '' : `<span class="key">${escapeHtml(key)}</span>`
      const shown = value === '' ? '' : `<span class="${literal ? 'literal' : 'text'}">${escapeHtml(value)}</span>`
      return `${lead}${name}${space}${shown}`
    })
    .join('\n')
}

function configDump({ config }: ConfigSection): string {
  const yaml = config instanceof Config ? readableYaml(config) : stringifyYaml(config)
  const lines = yaml.split('\n').length - 1
  const text = `<pre>${highlightYaml(yaml)}</pre>`
  return `<details${lines <= OPEN_CONFIG_LINES ? ' open' : ''}><summary>${lines} lines</summary>${text}</details>`
}

const image = (png: Uint8Array, alt: string): string =>
  `<img src="${dataUri('image/png', png)}" alt="${escapeHtml(alt)}" loading="lazy">`

const player = (wav: Uint8Array, label: string): string =>
  `<audio controls preload="none" aria-label="${escapeHtml(label)}" src="${dataUri('audio/wav', wav)}"></audio>`

function audio({ clips }: AudioSection): string {
  const items = clips.map(({ label, wav, text, png }) => {
    const words = text ? `<p>${escapeHtml(text)}</p>` : ''
    const picture = png ? image(png, `Spectrogram of ${label}`) : ''
    return `<li><span class="label">${escapeHtml(label)}</span>${words}${picture}${player(wav, label)}</li>`
  })
  return `<ul class="media">${items.join('')}</ul>`
}

function images({ images: list }: ImagesSection): string {
  const items = list.map(({ label, png, note: text }) => {
    const words = text ? `<p>${escapeHtml(text)}</p>` : ''
    return `<li><span class="label">${escapeHtml(label)}</span>${image(png, label)}${words}</li>`
  })
  return `<ul class="media">${items.join('')}</ul>`
}

const KEY_LINE =
  '<p class="key-line"><span><span class="pair wrong"><span class="ref">expected</span> <span class="hyp">heard</span></span> substituted</span><span><span class="pair wrong deletion"><span class="ref">missed</span></span> left out</span><span><span class="pair insertion"><span class="hyp">extra</span></span> added</span></p>'

function textSamples({ samples, unit = 'word' }: TextSamplesSection): string {
  const items = samples.map(({ reference, hypothesis, label, note: text, wav, png }) => {
    const pairs = alignTexts(reference, hypothesis, unit).map(({ kind, reference: ref, hypothesis: hyp }) => {
      const style = kind === 'equal' ? '' : kind === 'insertion' ? ' insertion' : ` wrong ${kind}`
      return `<span class="pair${style}"><span class="ref">${escapeHtml(ref ?? '')}</span><span class="hyp">${escapeHtml(hyp ?? '')}</span></span>`
    })
    const head =
      label || text
        ? `<header><span>${escapeHtml(label ?? '')}</span><span>${escapeHtml(text ?? '')}</span></header>`
        : ''
    const side =
      wav || png
        ? `<div class="side">${png ? image(png, `Spectrogram of ${label ?? reference}`) : ''}${wav ? player(wav, label ?? reference) : ''}</div>`
        : ''
    const said = `reference: ${reference}; hypothesis: ${hypothesis}`
    return `<li>${head}<div class="rows" role="img" aria-label="${escapeHtml(said)}"><div class="names">ref<br>hyp</div><div class="pairs ${unit}">${pairs.join('')}</div></div>${side}</li>`
  })
  return `${KEY_LINE}<ul class="samples">${items.join('')}</ul>`
}

function content(section: ReportSection, id: string): string {
  switch (section.kind) {
    case 'figures':
      return figures(section)
    case 'chart':
      return lineChart(section, id, 'whole')
    case 'charts': {
      const charts = section.charts.map((chart, index) =>
        lineChart(chart, `${id}-${index}`, section.charts.length > 1 ? 'half' : 'whole'),
      )
      return `${note(section.description)}<div class="charts">${charts.join('')}</div>`
    }
    case 'table':
      return note(section.description) + table(section)
    case 'config':
      return configDump(section)
    case 'audio':
      return note(section.description) + audio(section)
    case 'images':
      return note(section.description) + images(section)
    case 'textSamples':
      return note(section.description) + textSamples(section)
    case 'text':
      return `<div class="prose">${section.text
        .trim()
        .split(/\n\s*\n/)
        .map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`)
        .join('')}</div>`
  }
}

// The page may run its own script and style and show its own data, and may fetch nothing at all.
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'"

/** The report as one HTML page: no server, no script of others, nothing fetched. See {@link writeReport}. */
export function renderReport({ title, subtitle, sections, language = 'en' }: Report): string {
  const parts = sections.map((section, index) => {
    const heading = section.title
    const id = slug(heading ?? section.kind, index)
    const bare = section.kind === 'figures' ? ' class="bare"' : ''
    return {
      id,
      heading,
      html: `<section id="${escapeHtml(id)}"${bare}>${heading ? `<h2>${escapeHtml(heading)}</h2>` : ''}${content(section, id)}</section>`,
    }
  })
  const links = parts.flatMap(({ id, heading }) =>
    heading ? [`<a href="#${escapeHtml(id)}">${escapeHtml(heading)}</a>`] : [],
  )
  const navigation = links.length > 2 ? `<nav aria-label="Sections">${links.join('')}</nav>` : '<nav></nav>'
  return `<!doctype html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<header><h1>${escapeHtml(title)}</h1>${subtitle ? `<p class="subtitle">${escapeHtml(subtitle)}</p>` : ''}</header>
${navigation}
${parts.map(({ html }) => html).join('\n')}
</main>
<script>${REPORT_SCRIPT}</script>
</body>
</html>
`
}

/**
 * Writes a report as one self-contained HTML file that opens from the disk: charts with tooltips, tables, config,
 * sounds, spectrograms, texts with marked differences; in the reader's light or dark mode.
 *
 * ```ts
 * await writeReport(experiment.path('report.html'), { title: 'Spoken digits', sections })
 * ```
 *
 * @throws CheckpointFileError if the file cannot be written.
 */
export async function writeReport(path: string, report: Report): Promise<void> {
  await atomicWriteFile(path, renderReport(report))
}
