import { formatMetric } from '../../logging/progressBar.js'
import { linearTicks, logTicks, paddedRange, type Tick } from './axis.js'
import { downsample, smooth } from './downsample.js'
import { escapeHtml, scriptJson } from './html.js'
import type { ChartSection } from './sections.js'

/** How much room a chart has: the page's whole width, or half of it beside another. */
export type ChartSize = 'whole' | 'half'

// About the size on a wide screen in pixels, so that text is as large as around the chart.
const SIZES: Record<ChartSize, { width: number; height: number; xTicks: number; yTicks: number }> = {
  whole: { width: 1022, height: 320, xTicks: 9, yTicks: 5 },
  half: { width: 496, height: 260, xTicks: 5, yTicks: 4 },
}
const LEFT = 52
const RIGHT = 14
const TOP = 12
const BOTTOM = 40
const MAX_POINTS = 1200
/** Number of line colours in the style sheet. */
export const SERIES_COLORS = 8
const DASHES = ['', '6 4', '2 3']

interface Line {
  readonly name: string
  readonly x: readonly number[]
  readonly y: readonly number[]
  /** The smoothed values, if asked for. */
  readonly smoothed: readonly number[] | undefined
}

interface Scale {
  readonly place: (value: number) => number
  readonly ticks: readonly Tick[]
}

const round = (value: number): string => String(Math.round(value * 100) / 100)

function makeScale(kind: 'linear' | 'log', min: number, max: number, from: number, to: number, ticks: number): Scale {
  if (kind === 'log') {
    const [low, high] = paddedRange(Math.log10(min), Math.log10(max), 0.04)
    return {
      place: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
      ticks: logTicks(10 ** low, 10 ** high),
    }
  }
  return {
    place: (value) => from + ((value - min) / (max - min)) * (to - from),
    ticks: linearTicks(min, max, ticks),
  }
}

/** The path of a line; values without a place make gaps. A point between two gaps becomes a dot. */
function linePath(xs: readonly number[], ys: readonly number[], x: Scale, y: Scale): string {
  let path = ''
  let pen = false
  for (let index = 0; index < xs.length; index += 1) {
    const [px, py] = [x.place(xs[index]!), y.place(ys[index]!)]
    if (!Number.isFinite(px) || !Number.isFinite(py)) {
      pen = false
      continue
    }
    const next = y.place(ys[index + 1] ?? Number.NaN)
    if (!pen && !Number.isFinite(next)) path += `M${round(px)} ${round(py)}h0`
    else path += `${pen ? 'L' : 'M'}${round(px)} ${round(py)}`
    pen = true
  }
  return path
}

const seriesStyle = (index: number): string => {
  const dash = DASHES[Math.floor(index / SERIES_COLORS) % DASHES.length]
  return `style="stroke:var(--s${index % SERIES_COLORS})"${dash ? ` stroke-dasharray="${dash}"` : ''}`
}

function drawSvg(
  lines: readonly Line[],
  chart: Omit<ChartSection, 'kind'>,
  kind: 'linear' | 'log',
  range: { x: [number, number]; y: [number, number] },
  size: ChartSize,
): string {
  const { width, height, xTicks, yTicks } = SIZES[size]
  const x = makeScale('linear', range.x[0], range.x[1], LEFT, width - RIGHT, xTicks)
  const [yMin, yMax] = kind === 'log' ? range.y : paddedRange(range.y[0], range.y[1], 0.05)
  // A loss or rate that stays positive should not seem to reach below zero.
  const low = kind === 'linear' && range.y[0] >= 0 ? Math.max(0, yMin) : yMin
  const y = makeScale(kind, low, yMax, height - BOTTOM, TOP, yTicks)
  const parts: string[] = []
  for (const { value, label } of y.ticks) {
    const at = round(y.place(value))
    parts.push(
      `<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${at}" y2="${at}"/>`,
      `<text class="tick" x="${LEFT - 8}" y="${at}" dy=".32em" text-anchor="end">${label}</text>`,
    )
  }
  for (const { value, label } of x.ticks) {
    parts.push(
      `<text class="tick" x="${round(x.place(value))}" y="${height - BOTTOM + 17}" text-anchor="middle">${label}</text>`,
    )
  }
  parts.push(
    `<line class="axis" x1="${LEFT}" x2="${width - RIGHT}" y1="${height - BOTTOM}" y2="${height - BOTTOM}"/>`,
    `<text class="axis-label" x="${(LEFT + width - RIGHT) / 2}" y="${height - 5}" text-anchor="middle">${escapeHtml(chart.xLabel ?? 'step')}</text>`,
  )
  lines.forEach(({ x: xs, y: ys, smoothed }, index) => {
    const raw = linePath(xs, ys, x, y)
    parts.push(`<path class="line${smoothed ? ' raw' : ''}" ${seriesStyle(index)} d="${raw}"/>`)
    if (smoothed) parts.push(`<path class="line" ${seriesStyle(index)} d="${linePath(xs, smoothed, x, y)}"/>`)
  })
  parts.push(`<line class="cursor" y1="${TOP}" y2="${height - BOTTOM}" hidden/>`)
  const places = lines.map(({ x: xs, y: ys, smoothed }) => ({
    x: xs.map((value) => Number(round(x.place(value)))),
    y: (smoothed ?? ys).map((value) => {
      const place = y.place(value)
      return Number.isFinite(place) ? Number(round(place)) : null
    }),
  }))
  const label = `${chart.title}: ${lines.map(({ name }) => name).join(', ')}`
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}" data-scale="${kind}">${parts.join('')}</svg><script type="application/json" class="places" data-scale="${kind}">${scriptJson(places)}</script>`
}

function extremes(values: Iterable<number>): [number, number] | undefined {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    if (value < min) min = value
    if (value > max) max = value
  }
  return min <= max ? [min, max] : undefined
}

function lastFinite(values: readonly number[]): number | undefined {
  for (let index = values.length - 1; index >= 0; index -= 1) if (Number.isFinite(values[index]!)) return values[index]
  return undefined
}

/**
 * A line chart as HTML: inline SVG, drawn here and readable without scripts; legend with last values; a switch between
 * linear and logarithmic scale if all values are positive; the data for the page's tooltip script.
 */
export function lineChart(chart: Omit<ChartSection, 'kind'>, id: string, size: ChartSize): string {
  const { series, smoothing = 0, yScale = 'linear' } = chart
  const lines: Line[] = series.map(({ name, x, y }) => {
    const points = downsample(x, y, MAX_POINTS)
    if (!(smoothing > 0)) return { name, ...points, smoothed: undefined }
    // Smoothed before thinning, so that the line does not depend on it.
    const full = smooth(y, Math.min(0.9999, smoothing))
    const at = new Map(Array.from(x).map((value, index) => [value, full[index]!]))
    return { name, ...points, smoothed: points.x.map((value) => at.get(value)!) }
  })
  const xRange = extremes(lines.flatMap(({ x }) => [...x]))
  const yRange = extremes(lines.flatMap(({ y }) => [...y]))
  const head = `<figcaption><span class="chart-title">${escapeHtml(chart.title)}</span>${chart.yLabel ? `<span class="unit">${escapeHtml(chart.yLabel)}</span>` : ''}</figcaption>`
  if (xRange === undefined || yRange === undefined) {
    return `<figure class="chart">${head}<p class="empty">No values were recorded.</p></figure>`
  }
  const range = { x: xRange[0] === xRange[1] ? paddedRange(...xRange, 0) : xRange, y: yRange }
  const canLog = yRange[0] > 0
  const first = yScale === 'log' && canLog ? 'log' : 'linear'
  const svgs = [drawSvg(lines, chart, 'linear', range, size)]
  if (canLog) svgs.push(drawSvg(lines, chart, 'log', range, size))
  const legend = lines
    .map(({ name, y, smoothed }, index) => {
      const last = lastFinite(smoothed ?? y)
      const value = last === undefined ? '' : ` <b>${formatMetric(last)}</b>`
      return `<li><svg class="swatch" viewBox="0 0 22 8" aria-hidden="true"><path class="line" ${seriesStyle(index)} d="M1 4h20"/></svg>${escapeHtml(name)}${value}</li>`
    })
    .join('')
  const choice = (kind: string, text: string): string =>
    `<label><input type="radio" name="${escapeHtml(id)}-scale" value="${kind}"${kind === first ? ' checked' : ''}>${text}</label>`
  const toggle = canLog ? `<div class="scales">${choice('linear', 'linear')}${choice('log', 'log')}</div>` : ''
  const data = lines.map(({ name, x, y, smoothed }) => ({
    name,
    x,
    y: (smoothed ?? y).map((value) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : null)),
  }))
  const description = chart.description ? `<p class="note">${escapeHtml(chart.description)}</p>` : ''
  return `<figure class="chart" data-chart data-first="${first}">${head}${description}<div class="chart-bar"><ul class="legend">${legend}</ul>${toggle}</div><div class="plot ${size}">${svgs.join('')}<div class="tooltip" hidden></div></div><script type="application/json" class="data">${scriptJson({ xLabel: chart.xLabel ?? 'step', series: data })}</script></figure>`
}
