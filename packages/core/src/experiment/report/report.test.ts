import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Script } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Config } from '../../config/config.js'
import { editDistance } from '../../config/nearestName.js'
import { readPngHeader } from '../../logging/png.js'
import { linearTicks, logTicks } from './axis.js'
import { downsample, smooth } from './downsample.js'
import { lineChart } from './lineChart.js'
import { REPORT_SCRIPT } from './reportScript.js'
import type { ReportSection } from './sections.js'
import { spectrogramImage } from './spectrogramImage.js'
import { alignTexts } from './textDiff.js'
import { renderReport, writeReport } from './writeReport.js'

const EVIL = '</script><img src=x onerror=alert(1)>"\'&'
const steps = Array.from({ length: 50 }, (_, index) => index)
const png = spectrogramImage([1, 2, 3, 4, 5, 6], { rows: 2, columns: 3 })

const everySection = (text: string): ReportSection[] => [
  { kind: 'figures', figures: [{ label: text, value: text, unit: text, note: text }] },
  {
    kind: 'chart',
    title: text,
    description: text,
    xLabel: text,
    yLabel: text,
    series: [{ name: text, x: steps, y: steps.map((step) => 1 / (step + 1)) }],
  },
  { kind: 'charts', title: text, description: text, charts: [{ title: text, series: [{ name: text, x: [], y: [] }] }] },
  {
    kind: 'table',
    title: text,
    description: text,
    columns: [text, 'n'],
    rows: [
      [text, 1],
      [null, 2.5],
    ],
  },
  { kind: 'config', title: text, config: { [text]: text, list: [text, 1, null] } },
  { kind: 'audio', title: text, description: text, clips: [{ label: text, wav: Uint8Array.of(1, 2), text, png }] },
  { kind: 'images', title: text, description: text, images: [{ label: text, png, note: text }] },
  {
    kind: 'textSamples',
    title: text,
    description: text,
    samples: [{ reference: text, hypothesis: `other ${text}`, label: text, note: text, wav: Uint8Array.of(1), png }],
  },
  { kind: 'text', title: text, text },
]

describe('renderReport', () => {
  const evil = renderReport({ title: EVIL, subtitle: EVIL, sections: everySection(EVIL), language: EVIL })

  it('text from data never becomes markup', () => {
    expect(evil).not.toContain('<img src=x')
    expect(evil.match(/<script/g)!.length).toBe(evil.match(/<\/script>/g)!.length)
    expect(evil.match(/<img /g)!.length).toBe(3)
  })

  it('the page fetches nothing: every address is data or within the page', () => {
    const plain = renderReport({ title: 'x', sections: everySection('word') })
    const addresses = [...plain.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!)
    expect(addresses.length).toBeGreaterThan(8)
    for (const address of addresses) expect(address).toMatch(/^(?:data:(?:image\/png|audio\/wav);base64,|#)/)
    expect(plain).not.toMatch(/@import|url\(|https?:\/\/(?!www\.w3\.org\/2000\/svg)/)
    expect(plain).toContain("default-src 'none'")
  })

  it('every link of the navigation leads to a section', () => {
    const html = renderReport({ title: 'x', sections: everySection('Größe & 中文') })
    const links = [...html.matchAll(/<a href="#([^"]*)"/g)].map(([, id]) => id)
    expect(links.length).toBe(8)
    for (const id of links) expect(html).toContain(`<section id="${id}"`)
  })

  it('the inline script is valid and makes no HTML from text', () => {
    expect(() => new Script(REPORT_SCRIPT)).not.toThrow()
    expect(REPORT_SCRIPT).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval/)
  })

  it('a config is resolved; one that cannot be is shown as written', () => {
    const html = (config: Config): string =>
      renderReport({ title: 'x', sections: [{ kind: 'config', title: 'c', config }] })
    expect(html(new Config({ a: 3, b: '${a}' }))).toContain(
      '<span class="key">b:</span> <span class="literal">3</span>',
    )
    expect(html(new Config({ b: '${nope}' }))).toContain('&#39;${nope}&#39;')
    expect(html(new Config(Object.fromEntries(steps.map((step) => [`k${step}`, step]))))).toContain(
      '<details><summary>50 lines',
    )
  })

  it('is written to a file as it is', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'nemo-report-'))
    const report = { title: 'x', sections: everySection('word') }
    await writeReport(join(dir, 'report.html'), report)
    expect(readFileSync(join(dir, 'report.html'), 'utf8')).toBe(renderReport(report))
    rmSync(dir, { recursive: true })
  })
})

describe('lineChart', () => {
  const chart = (y: number[], extra = {}): string =>
    lineChart({ title: 't', series: [{ name: 's', x: y.map((_, index) => index), y }], ...extra }, 'id', 'half')

  it('draws a linear and, for positive values, a logarithmic scale', () => {
    expect(chart([1, 2, 3]).match(/<svg viewBox/g)!.length).toBe(2)
    expect(chart([1, 2, 3])).toContain('value="linear" checked')
    expect(chart([1, 2, 3], { yScale: 'log' })).toContain('value="log" checked')
    expect(chart([0, 2, 3], { yScale: 'log' })).not.toContain('data-scale="log"')
  })

  it('values that are not finite make gaps, and no drawing holds NaN', () => {
    const html = chart([1, 2, Number.NaN, 3, Number.POSITIVE_INFINITY, 4, 5])
    const [path] = html.match(/<path class="line" style="stroke:var\(--s0\)" d="M[^"]*M[^"]*"/)!
    expect(path.match(/M/g)!.length).toBe(3)
    expect(html.replace(/<script[\s\S]*?<\/script>/g, '')).not.toMatch(/NaN|Infinity/)
    expect(chart([Number.NaN])).toContain('No values were recorded.')
  })

  it('any data gives a drawing within its frame', () => {
    const values = fc.array(fc.oneof(fc.double(), fc.double({ min: -1e3, max: 1e3 })), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(values, (y) => {
        const finite = y.filter((value) => Number.isFinite(value) && Math.abs(value) < 1e300)
        const html = chart(finite)
        for (const [, data] of html.matchAll(/ d="([^"]*)"/g)) {
          for (const [, x, at] of data!.matchAll(/[ML](-?[\d.e+-]+) (-?[\d.e+-]+)/g)) {
            expect(Number(x)).toBeGreaterThanOrEqual(0)
            expect(Number(x)).toBeLessThanOrEqual(496)
            expect(Number(at)).toBeGreaterThanOrEqual(0)
            expect(Number(at)).toBeLessThanOrEqual(260)
          }
        }
      }),
      { seed: 13, numRuns: 300 },
    )
  })

  it('a million points stay a small drawing with every spike', () => {
    const y = new Float32Array(1_000_000).fill(1)
    y[123_456] = 9
    const html = lineChart({ title: 't', series: [{ name: 's', x: Array.from(y.keys()), y }] }, 'id', 'whole')
    expect(html.length).toBeLessThan(200_000)
    expect(html).toContain('9')
    expect(html).toMatch(/"y":\[[^\]]*\b9\b/)
  })
})

describe('axis', () => {
  it('ticks lie in the range, grow, and have different labels', () => {
    const range = fc.tuple(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
    )
    fc.assert(
      fc.property(range, ([min, size]) => {
        // A range that is tiny beside its place has no room for different labels.
        fc.pre(size > Math.abs(min) * 1e-3)
        const ticks = linearTicks(min, min + size, 5)
        expect(ticks.length).toBeGreaterThanOrEqual(2)
        expect(ticks.length).toBeLessThanOrEqual(7)
        expect(new Set(ticks.map(({ label }) => label)).size).toBe(ticks.length)
        for (const [index, { value }] of ticks.entries()) {
          expect(value).toBeGreaterThanOrEqual(min - size * 1e-6)
          expect(value).toBeLessThanOrEqual(min + size * (1 + 1e-6))
          if (index > 0) expect(value).toBeGreaterThan(ticks[index - 1]!.value)
        }
      }),
      { seed: 14, numRuns: 500 },
    )
  })

  it('labels are short', () => {
    expect(linearTicks(0, 1, 5).map(({ label }) => label)).toEqual(['0', '0.2', '0.4', '0.6', '0.8', '1.0'])
    expect(linearTicks(0, 50_000, 5).map(({ label }) => label)).toEqual(['0', '10k', '20k', '30k', '40k', '50k'])
    expect(linearTicks(0, 4e6, 4).map(({ label }) => label)).toEqual(['0', '1M', '2M', '3M', '4M'])
    expect(logTicks(1e-5, 1).map(({ label }) => label)).toEqual(['1e-5', '1e-4', '0.001', '0.01', '0.1', '1'])
    expect(logTicks(0.5, 20).map(({ label }) => label)).toEqual(['0.5', '1', '2', '5', '10', '20'])
  })
})

describe('downsample', () => {
  it('keeps order, ends and extremes within the limit', () => {
    const values = fc.array(fc.oneof(fc.float(), fc.constant(Number.NaN)), { minLength: 1, maxLength: 500 })
    fc.assert(
      fc.property(values, fc.integer({ min: 8, max: 100 }), (y, limit) => {
        const x = y.map((_, index) => index)
        const kept = downsample(x, y, limit)
        expect(kept.x.length).toBeLessThanOrEqual(Math.max(y.length <= limit ? limit : 0, Math.floor(limit / 4) * 5))
        expect([...kept.x]).toEqual([...kept.x].sort((a, b) => a - b))
        expect([kept.x[0], kept.x.at(-1)]).toEqual([0, y.length - 1])
        for (const [index, at] of kept.x.entries()) expect(kept.y[index]).toBe(y[at])
        const finite = (list: readonly number[]): number[] => list.filter(Number.isFinite)
        expect(Math.max(...finite(kept.y))).toBe(Math.max(...finite(y)))
        expect(Math.min(...finite(kept.y))).toBe(Math.min(...finite(y)))
      }),
      { seed: 15, numRuns: 300 },
    )
  })

  it('smoothing keeps a constant and has no start-up error', () => {
    for (const value of smooth([3, 3, 3], 0.9)) expect(value).toBeCloseTo(3, 12)
    expect(smooth([1, Number.NaN, 3], 0.5)).toEqual([1, Number.NaN, (0.5 * 0.5 + 0.5 * 3) / 0.75])
  })
})

describe('alignTexts', () => {
  const words = fc.array(fc.constantFrom('a', 'b', 'c', 'dd'), { maxLength: 12 }).map((list) => list.join(' '))

  it('gives back both texts with as few edits as possible', () => {
    fc.assert(
      fc.property(words, words, (reference, hypothesis) => {
        for (const unit of ['word', 'character'] as const) {
          const units = alignTexts(reference, hypothesis, unit)
          const glue = unit === 'word' ? ' ' : ''
          expect(units.flatMap(({ reference: text }) => text ?? []).join(glue)).toBe(reference)
          expect(units.flatMap(({ hypothesis: text }) => text ?? []).join(glue)).toBe(hypothesis)
        }
        const edits = alignTexts(reference, hypothesis, 'character').filter(({ kind }) => kind !== 'equal').length
        // The distance with swaps is at most one smaller for each swap.
        expect(edits).toBeGreaterThanOrEqual(editDistance(reference, hypothesis))
        expect(edits).toBeLessThanOrEqual(2 * editDistance(reference, hypothesis))
      }),
      { seed: 16, numRuns: 300 },
    )
  })

  it('names what happened', () => {
    expect(alignTexts('one two three', 'one too three four', 'word').map(({ kind }) => kind)).toEqual([
      'equal',
      'substitution',
      'equal',
      'insertion',
    ])
    expect(alignTexts('', '', 'word')).toEqual([])
    expect(alignTexts('a b', '', 'word').map(({ kind }) => kind)).toEqual(['deletion', 'deletion'])
  })

  it('texts too long to align are one substitution', () => {
    const long = 'x '.repeat(5000)
    expect(alignTexts(long, `${long}y`, 'word').length).toBe(1)
  })
})

describe('spectrogramImage', () => {
  it('has whole pixels per value', () => {
    expect(readPngHeader(png)).toEqual({ width: 36, height: 24, channels: 3 })
    const fixed = spectrogramImage([0, 1], { rows: 1, columns: 2, scale: [5, 7] })
    expect(readPngHeader(fixed)).toMatchObject({ width: 10, height: 7 })
  })

  it('constant and broken values are drawn', () => {
    expect(() => spectrogramImage([0, 0, Number.NaN, Number.NEGATIVE_INFINITY], { rows: 2, columns: 2 })).not.toThrow()
  })
})
