import { add, mul, parameter } from '@nemo/graph'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type NeuralModule,
  NeuralPortMissingError,
  NeuralPortNmTensorMismatchError,
  RegressionValuesType,
  seedInitialisation,
  typecheck,
  uniqueName,
} from '../../src/index.js'
import { Dag } from '../../src/neuralFactory/dag.js'
import { MSELoss, Noisy, PointLayer, TaylorNet } from './toys.js'

beforeEach(() => seedInitialisation(1))

const names = (modules: readonly NeuralModule[]) => modules.map((module) => module.constructor.name)

describe('drawing a graph', () => {
  it('reads no data and computes nothing', () => {
    const layer = new PointLayer()
    const { x, y } = layer.forward()
    const { yPred } = new TaylorNet(4).forward({ x })
    const { loss } = new MSELoss().forward({ predictions: yPred, target: y })
    expect(layer.points.reads).toBe(0)
    expect(loss.shape).toEqual([])
    expect(yPred.neuralType?.elementsType).toBeInstanceOf(RegressionValuesType)
  })

  it('knows the modules that lead to a tensor, and their order begins at the data layer', () => {
    const layer = new PointLayer()
    const { x, y } = layer.forward()
    const net = new TaylorNet(4)
    const { yPred } = net.forward({ x })
    const { loss } = new MSELoss().forward({ predictions: yPred, target: y })
    expect(names(new Dag([loss]).modules).sort()).toEqual(['MSELoss', 'PointLayer', 'TaylorNet'])
    expect(names(new Dag([yPred]).modules)).toEqual(['PointLayer', 'TaylorNet'])
  })

  it('sees a module that is called twice once', () => {
    const { x } = new PointLayer().forward()
    const noisy = new Noisy()
    const { y } = noisy.forward({ x: noisy.forward({ x }).y })
    expect(names(new Dag([y]).modules)).toEqual(['PointLayer', 'Noisy'])
  })

  it('takes ops between modules, also with checks off', () => {
    const { x } = new PointLayer().forward()
    const { y } = new Noisy().forward({ x: mul(x, 2) })
    const { yPred } = typecheck.disableChecks(() => new TaylorNet(2).forward({ x: add(y, 1) }))
    expect(names(new Dag([yPred]).modules).sort()).toEqual(['Noisy', 'PointLayer', 'TaylorNet'])
  })

  it('refuses a wrong wiring where it is drawn', () => {
    const { x, y } = new PointLayer().forward()
    const { yPred } = new TaylorNet(4).forward({ x })
    // @ts-expect-error a channel is no regression value
    expect(() => new MSELoss().forward({ predictions: yPred, target: x })).toThrow(NeuralPortNmTensorMismatchError)
    // @ts-expect-error a mandatory port is missing
    expect(() => new MSELoss().forward({ predictions: yPred })).toThrow(NeuralPortMissingError)
    expect(() => new MSELoss().forward({ predictions: yPred, target: y })).not.toThrow()
  })

  it('has exactly one data layer', () => {
    const first = new PointLayer().forward()
    const second = new PointLayer().forward()
    const { loss } = new MSELoss().forward({ predictions: first.y, target: second.y })
    expect(() => new Dag([loss])).toThrow(/one data layer; found PointLayer and PointLayer behind loss of MSELoss/)
    expect(() => new Dag([parameter('w', [1])])).toThrow(/reads the parameter w outside of any module/)
    expect(() => new Dag([mul(1, 2)])).toThrow(/No data layer leads to/)
  })

  it('does not take a parameter that no call accounts for', () => {
    const { x } = new PointLayer().forward()
    const { y } = new Noisy().forward({ x: mul(x, parameter('scale', [2])) })
    expect(() => new Dag([y])).toThrow(/parameter scale outside of any module's call.*@typecheck\(\)/)
  })
})

it('unique names tell port, module and number', () => {
  const { x } = new PointLayer().forward()
  const net = new TaylorNet(4)
  const first = net.forward({ x }).yPred
  const second = net.forward({ x }).yPred
  expect(uniqueName(x)).toMatch(/^x~~~PointLayer~~~\d+$/)
  expect(uniqueName(first)).toMatch(/^y_pred~~~TaylorNet~~~\d+$/)
  expect(uniqueName(first)).toBe(uniqueName(first))
  expect(uniqueName(first)).not.toBe(uniqueName(second))
})
