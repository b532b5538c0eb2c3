/** A piece that training found, with its score. */
export interface TrainedPiece {
  readonly piece: string
  readonly score: number
}
