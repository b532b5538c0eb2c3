import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatDuration, formatMetric, ProgressBar } from './progressBar.js'
import { Terminal } from './terminal.js'

let term: string | undefined
beforeEach(() => {
  term = process.env.TERM
  process.env.TERM = 'xterm'
})
afterEach(() => {
  if (term === undefined) delete process.env.TERM
  else process.env.TERM = term
})

function makeBar(isTTY: boolean, options: Partial<ConstructorParameters<typeof ProgressBar>[0]> = {}, columns = 100) {
  const clock = { ms: 0 }
  const shown: string[] = []
  const stream = { isTTY, columns, write: (text: string) => void shown.push(text.replace('\r\u001b[2K', '')) }
  const bar = new ProgressBar({
    label: 'Epoch 1/2',
    total: 200,
    unit: 'step',
    terminal: new Terminal(stream, stream),
    now: () => clock.ms,
    ...options,
  })
  return { bar, clock, shown }
}

describe('ProgressBar', () => {
  it('redraws a bar with time left, rate and metrics on a terminal', () => {
    const { bar, clock, shown } = makeBar(true)
    clock.ms = 10_000
    bar.update(50, { loss: 0.41234567, val_wer: undefined })
    expect(shown.at(-1)).toMatch(
      /^Epoch 1\/2 {2}[█▏▎▍▌▋▊▉░]+ {3}25% {3}50\/200 {2}00:30 left {2}5 step\/s {2}loss 0\.4123$/,
    )
    expect(shown.at(-1)!.length).toBeLessThan(100)
    const bars = shown.at(-1)!.match(/[█▏▎▍▌▋▊▉░]+/)![0]
    expect(bars.match(/█/g)!.length / bars.length).toBeCloseTo(0.25, 1)
  })

  it('does not redraw more often than ten times a second', () => {
    const { bar, clock, shown } = makeBar(true)
    for (let step = 1; step <= 100; step += 1) {
      clock.ms = step
      bar.update(step)
    }
    expect(shown.length).toBe(2)
  })

  it('never fills the terminal line, however narrow', () => {
    for (const columns of [20, 40, 60, 80, 120]) {
      const { bar, clock, shown } = makeBar(true, {}, columns)
      clock.ms = 1000
      bar.update(7, { loss: 0.123, a_long_metric_name: 123.456, other: 'text' })
      expect(shown.at(-1)!.length).toBeLessThan(columns)
    }
  })

  it('prints a plain line every few seconds and at the end without a terminal', () => {
    const { bar, clock, shown } = makeBar(false, { intervalSeconds: 10 })
    for (let second = 1; second <= 25; second += 1) {
      clock.ms = second * 1000
      bar.advance(4, { loss: 1 / second })
    }
    bar.finish({ val_wer: 0.0312 })
    bar.finish()
    expect(shown).toEqual([
      'Epoch 1/2: 20% (40/200), 4 step/s, 00:40 left, loss 0.1\n',
      'Epoch 1/2: 40% (80/200), 4 step/s, 00:30 left, loss 0.05\n',
      'Epoch 1/2: 100/200 in 00:25, 4 step/s, loss 0.04, val_wer 0.0312\n',
    ])
  })

  it('units done before a resume do not count for the rate', () => {
    const { bar, clock, shown } = makeBar(false, { initial: 100 })
    clock.ms = 10_000
    bar.update(110)
    expect(shown.at(-1)).toBe('Epoch 1/2: 55% (110/200), 1 step/s, 01:30 left\n')
  })

  it('works without a total and with nothing to do', () => {
    const { bar, clock, shown } = makeBar(false, { total: undefined, label: 'Reading', unit: 'line' })
    clock.ms = 10_000
    bar.update(5)
    expect(shown.at(-1)).toBe('Reading: 5 line, 2 s/line\n')
    const empty = makeBar(false, { total: 0 })
    empty.bar.finish()
    expect(empty.shown).toEqual(['Epoch 1/2: 0/0 in 00:00, - step/s\n'])
  })

  it('the time left follows a change of speed', () => {
    const { bar, clock, shown } = makeBar(false, { total: 10_000, intervalSeconds: 1 })
    let done = 0
    for (let second = 1; second <= 100; second += 1) {
      clock.ms = second * 1000
      done += second <= 50 ? 10 : 2
      bar.update(done)
    }
    const rate = Number(/ ([\d.]+) step\/s/.exec(shown.at(-1)!)![1])
    expect(rate).toBeGreaterThan(2)
    expect(rate).toBeLessThan(4)
  })
})

describe('formats', () => {
  it('durations', () => {
    expect([0, 59.6, 61, 3661, 90_061, Number.NaN, -1].map(formatDuration)).toEqual([
      '00:00',
      '01:00',
      '01:01',
      '1:01:01',
      '1d 01:01:01',
      '--:--',
      '--:--',
    ])
  })

  it('metrics', () => {
    expect(
      [0, 3, 0.12345, 123.456, 1e-5, 1.5e7, 0.001, -2.5, Number.NaN, Number.POSITIVE_INFINITY].map(formatMetric),
    ).toEqual(['0', '3', '0.1235', '123.5', '1e-5', '1.5e+7', '0.001', '-2.5', 'nan', 'inf'])
  })
})
