import { describe, expect, it } from 'vitest'
import { type WindowName, windowFunction, windowNames } from './window.js'

describe('windowFunction', () => {
  it('has the values of PyTorch at five samples', () => {
    const symmetric: Record<WindowName, number[]> = {
      hann: [0, 0.5, 1, 0.5, 0],
      hamming: [0.08, 0.54, 1, 0.54, 0.08],
      blackman: [0, 0.34, 1, 0.34, 0],
      bartlett: [0, 0.5, 1, 0.5, 0],
      ones: [1, 1, 1, 1, 1],
      none: [1, 1, 1, 1, 1],
    }
    for (const name of windowNames) {
      windowFunction(name, 5).forEach((value, i) => {
        expect(value).toBeCloseTo(symmetric[name][i]!, 6)
      })
    }
  })

  it('is one sample of a longer symmetric window short when periodic', () => {
    for (const name of windowNames) {
      expect(windowFunction(name, 16, { periodic: true })).toEqual(windowFunction(name, 17).subarray(0, 16))
    }
  })

  it('is 1 at length 1', () => {
    for (const name of windowNames) expect([...windowFunction(name, 1)]).toEqual([1])
  })

  it('names what it knows when asked for something else', () => {
    expect(() => windowFunction('kaiser' as WindowName, 4)).toThrow(/expected one of hann, .* found "kaiser"/)
    expect(() => windowFunction('hann', 0)).toThrow(/expected a length of 1 or more samples, found 0/)
  })
})
