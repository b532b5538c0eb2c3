import { activation, BatchNorm1d, Conv1d, Dropout, type Layer, Module, ModuleList, Sequential } from '@nemo/core'
import { add, maximum, type Tensor } from '@nemo/graph'
import type { FrameMasks } from './frameMasks.js'
import { GroupNorm } from './groupNorm.js'
import { GroupShuffle } from './groupShuffle.js'
import type { NormalizationMode, ResidualMode } from './jasperConfig.js'
import { MaskedConv1d } from './maskedConv1d.js'
import { samePadding, scaledKernelSize } from './samePadding.js'
import { SqueezeExcite, type SqueezeInterpolation } from './squeezeExcite.js'

/** Options of a `JasperBlock`. */
export interface JasperBlockOptions {
  readonly repeat: number
  readonly kernelSize: number
  readonly kernelSizeFactor: number
  readonly stride: number
  readonly dilation: number
  readonly dropout: number
  /** NeMo shares one activation among all blocks. */
  readonly activation: string
  readonly residual: boolean
  readonly groups: number
  readonly separable: boolean
  readonly heads: number
  readonly normalization: NormalizationMode
  /** -1: as many groups as channels. */
  readonly normGroups: number
  readonly residualMode: ResidualMode
  /** Channels of all earlier outputs for a dense residual; empty for a plain one. */
  readonly residualPanes: readonly number[]
  readonly convMask: boolean
  readonly squeezeExcite: {
    readonly reductionRatio: number
    readonly contextWindow: number
    readonly interpolation: SqueezeInterpolation
  } | null
  readonly strideLast: boolean
  readonly futureContext: number
}

/** What flows between blocks: the newest output last, before it the earlier ones that dense residuals see. */
export interface JasperState {
  readonly outputs: readonly Tensor[]
  readonly lengths: Tensor
}

interface ConvGeometry {
  readonly kernelSize: number
  readonly stride: number
  readonly dilation: number
  readonly padding: number | readonly [number, number]
  readonly groups: number
  readonly heads: number
  readonly separable: boolean
}

type BlockPart = Layer | MaskedConv1d | SqueezeExcite

/**
 * `repeat` times convolution, normalisation, activation and dropout; the last pair of these comes after the residual sum.
 *
 * State dict: `mconv.{i}` (depthwise 0, pointwise 1, norm 2, activation 3, dropout 4, next depthwise 5, ...) and
 * `res.{i}.{0,1}` (1x1 convolution, norm). Source: NeMo v1.0.0 `JasperBlock`.
 */
export class JasperBlock extends Module {
  readonly mconv = new ModuleList<BlockPart>()
  readonly res: ModuleList<ModuleList<BlockPart>> | undefined
  readonly mout: Sequential
  readonly #options: JasperBlockOptions

  constructor(inChannels: number, channels: number, options: JasperBlockOptions) {
    super()
    this.#options = options
    const { repeat, stride, dilation, groups, heads, separable } = options
    const kernelSize = scaledKernelSize(options.kernelSize, options.kernelSizeFactor)
    const geometry: ConvGeometry = {
      kernelSize,
      stride,
      dilation,
      padding: samePadding(kernelSize, stride, dilation, options.futureContext),
      groups,
      heads,
      separable,
    }
    const act = activation(options.activation)
    this.addModule('mconv', this.mconv)
    for (let i = 0; i < repeat - 1; i++) {
      const strided = options.strideLast ? { ...geometry, stride: 1 } : geometry
      this.#addConvNorm(this.mconv, i === 0 ? inChannels : channels, channels, strided)
      this.mconv.append(act).append(new Dropout(options.dropout))
    }
    this.#addConvNorm(this.mconv, repeat > 1 ? channels : inChannels, channels, geometry)
    if (options.squeezeExcite) {
      this.mconv.append(new SqueezeExcite(channels, { ...options.squeezeExcite, activation: act }))
    }
    if (options.residual) {
      this.res = this.addModule('res', new ModuleList<ModuleList<BlockPart>>())
      const panes = options.residualPanes.length > 0 ? options.residualPanes : [inChannels]
      const point: ConvGeometry = {
        kernelSize: 1,
        stride: options.residualMode === 'stride_add' ? stride : 1,
        dilation: 1,
        padding: 0,
        groups: 1,
        heads: -1,
        separable: false,
      }
      for (const pane of panes) {
        const branch = new ModuleList<BlockPart>()
        this.#addConvNorm(branch, pane, channels, point)
        this.res.append(branch)
      }
    }
    this.mout = this.addModule('mout', new Sequential([act, new Dropout(options.dropout)]))
  }

  #addConvNorm(parts: ModuleList<BlockPart>, inChannels: number, outChannels: number, geometry: ConvGeometry): void {
    const { kernelSize, stride, dilation, padding, groups, heads, separable } = geometry
    const wide = { stride, dilation, padding, bias: false }
    if (separable) {
      parts.append(this.#conv(inChannels, inChannels, kernelSize, { ...wide, groups: inChannels, heads }))
      parts.append(this.#conv(inChannels, outChannels, 1, { groups, bias: false, heads: -1 }))
    } else {
      parts.append(this.#conv(inChannels, outChannels, kernelSize, { ...wide, groups, heads: -1 }))
    }
    parts.append(this.#norm(outChannels))
    if (groups > 1) parts.append(new GroupShuffle(groups, outChannels))
  }

  #conv(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    options: ConstructorParameters<typeof MaskedConv1d>[3] & { heads: number },
  ): BlockPart {
    if (this.#options.convMask) return new MaskedConv1d(inChannels, outChannels, kernelSize, options)
    // As in NeMo, heads need masked convolutions; without them each channel has its own filter.
    const { heads: _heads, ...geometry } = options
    return new Conv1d(inChannels, outChannels, kernelSize, geometry)
  }

  #norm(channels: number): Layer {
    switch (this.#options.normalization) {
      case 'batch':
        return new BatchNorm1d(channels, { eps: 1e-3, momentum: 0.1 })
      case 'layer':
        return new GroupNorm(1, channels)
      case 'instance':
        return new GroupNorm(channels, channels)
      case 'group':
        return new GroupNorm(this.#options.normGroups === -1 ? channels : this.#options.normGroups, channels)
    }
  }

  /** `[B, inChannels, T]` -> `[B, channels, T']`, and the lengths that go with it. */
  forward(state: JasperState, masks: FrameMasks): JasperState {
    const { x: main, lengths } = this.#run('mconv', this.mconv, state.outputs.at(-1)!, state.lengths, masks)
    let sum = main
    let i = 0
    for (const branch of this.res ?? []) {
      const { x } = this.#run(`res.${i}`, branch, state.outputs[i]!, state.lengths, masks)
      sum = this.#options.residualMode === 'max' ? maximum(sum, x) : add(sum, x)
      i++
    }
    const output = this.within('mout', () => this.mout.forward(sum))
    const dense = this.#options.residual && this.#options.residualPanes.length > 0
    return { outputs: dense ? [...state.outputs, output] : [output], lengths }
  }

  #run(name: string, parts: ModuleList<BlockPart>, x: Tensor, lengths: Tensor, masks: FrameMasks) {
    let flow = { x, lengths }
    let i = 0
    for (const part of parts) {
      flow = this.within(`${name}.${i}`, () =>
        part instanceof MaskedConv1d ? part.forward(flow, masks) : { x: part.forward(flow.x), lengths: flow.lengths },
      )
      i++
    }
    return flow
  }
}
