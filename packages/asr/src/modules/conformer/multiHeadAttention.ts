import { Dropout, Linear, Module, zeros } from '@nemo/core'
import {
  add,
  addDims,
  concat,
  type Dim,
  fill,
  matMul,
  mul,
  narrow,
  type Parameter,
  reshape,
  softmax,
  swapAxes,
  type Tensor,
  takeFirst,
  transpose,
  where,
} from '@nemo/graph'

// The score of what must not be attended to.
const NEVER = -3e38

/**
 * Scaled dot-product attention of several heads.
 *
 * State dict: `linear_{q,k,v,out}.*`. Source: NeMo v1.0.0 `MultiHeadAttention`; Vaswani et al. 2017.
 */
export class MultiHeadAttention extends Module {
  readonly linearQ: Linear
  readonly linearK: Linear
  readonly linearV: Linear
  readonly linearOut: Linear
  readonly #dropout: Dropout
  protected readonly headSize: number

  constructor(
    readonly heads: number,
    readonly features: number,
    dropout: number,
  ) {
    super()
    this.headSize = features / heads
    this.linearQ = this.addModule('linear_q', new Linear(features, features))
    this.linearK = this.addModule('linear_k', new Linear(features, features))
    this.linearV = this.addModule('linear_v', new Linear(features, features))
    this.linearOut = this.addModule('linear_out', new Linear(features, features))
    this.#dropout = this.addModule('dropout', new Dropout(dropout))
  }

  /**
   * @param x - `[B, T, features]`
   * @param allowed - bool `[B, 1, T, T]`: which frame (axis 2) may attend to which (axis 3). Frames that may attend to
   * nothing give `linear_out.bias`.
   */
  forward(x: Tensor, allowed: Tensor, _positions?: Tensor): Tensor {
    const { q, k, v } = this.project(x)
    return this.attend(matMul(q, swapAxes(k, -1, -2)), v, allowed)
  }

  /** Queries, keys and values, `[B, heads, T, headSize]` each. */
  protected project(x: Tensor): { q: Tensor; k: Tensor; v: Tensor } {
    const [B, T] = x.shape as readonly [Dim, Dim]
    const split = (linear: Linear) =>
      transpose(reshape(linear.forward(x), [B, T, this.heads, this.headSize], [x]), [0, 2, 1, 3])
    return { q: split(this.linearQ), k: split(this.linearK), v: split(this.linearV) }
  }

  /** Weighs values by products `[B, heads, T, T]` -> `[B, T, features]` */
  protected attend(products: Tensor, v: Tensor, allowed: Tensor): Tensor {
    const scores = where(allowed, mul(products, 1 / Math.sqrt(this.headSize)), NEVER)
    const weights = this.#dropout.forward(where(allowed, softmax(scores, -1), 0))
    const [B, , T] = v.shape as readonly [Dim, Dim, Dim]
    const joined = reshape(transpose(matMul(weights, v), [0, 2, 1, 3]), [B, T, this.features], [v])
    return this.within('linear_out', () => this.linearOut.forward(joined))
  }
}

/** The biases of queries for contents (u) and positions (v), `[heads, headSize]` each. */
export interface PositionBiases {
  readonly u: Parameter
  readonly v: Parameter
}

/**
 * Attention that knows how far frames lie apart.
 *
 * State dict: `pos_bias_u`, `pos_bias_v`, `linear_{q,k,v,out,pos}.*`. Source: NeMo v1.0.0
 * `RelPositionMultiHeadAttention`; Dai et al. 2019 (Transformer-XL), section 3.3.
 */
export class RelPositionMultiHeadAttention extends MultiHeadAttention {
  readonly linearPos: Linear
  readonly biases: PositionBiases

  /** @param shared - Biases of another layer, to be this one's too. */
  constructor(heads: number, features: number, dropout: number, shared?: PositionBiases) {
    super(heads, features, dropout)
    this.linearPos = this.addModule('linear_pos', new Linear(features, features, { bias: false }))
    const make = (name: string, bias: Parameter | undefined) =>
      bias ? this.shareParameter(name, bias) : this.addParameter(name, zeros([heads, features / heads]))
    this.biases = { u: make('pos_bias_u', shared?.u), v: make('pos_bias_v', shared?.v) }
  }

  /** @param positions - Encodings of distances T - 1 to -(T - 1), `[2 T - 1, features]`. */
  override forward(x: Tensor, allowed: Tensor, positions: Tensor): Tensor {
    const { q, k, v } = this.project(x)
    const distances = positions.shape[0]!
    const projected = this.within('linear_pos', () => this.linearPos.forward(positions))
    const p = transpose(reshape(projected, [distances, this.heads, this.headSize], [positions]), [1, 0, 2])
    const biased = (bias: Parameter) => add(q, reshape(bias, [this.heads, 1, this.headSize]))
    const content = matMul(biased(this.biases.u), swapAxes(k, -1, -2))
    const position = matMul(biased(this.biases.v), swapAxes(p, -1, -2))
    return this.attend(add(content, this.#alignDistances(position, x.shape[1]!)), v, allowed)
  }

  // Row t starts at distance t: a column in front, and rows read one element longer, move row t to the left by T - 1 - t.
  #alignDistances(scores: Tensor, T: Dim): Tensor {
    const [B, heads, , distances] = scores.shape as readonly [Dim, Dim, Dim, Dim]
    const column = fill([B, heads, T, 1], 0, scores.dtype, [scores])
    const wider = concat([column, scores], 3)
    const rows = reshape(wider, [B, heads, addDims(distances, 1), T], [scores])
    const shifted = reshape(narrow(rows, 2, 1), [B, heads, T, distances], [scores])
    // Of 2 T - 1 distances the first T belong to frames.
    return takeFirst(shifted, 3, T, [scores])
  }
}
