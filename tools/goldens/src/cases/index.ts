import type { CaseHandler } from '../caseHandler.js'
import { conformerEncoder } from './conformerEncoder.js'
import { convEncoder } from './convEncoder.js'
import { ctc } from './ctc.js'
import { ctcBeam } from './ctcBeam.js'
import { kenLm } from './kenLm.js'
import { mel } from './mel.js'
import { nemoArchive } from './nemoArchive.js'
import { neuralTypes } from './neuralTypes.js'
import { nlpHeads } from './nlpHeads.js'
import { optimizers } from './optimizers.js'
import { perturb } from './perturb.js'
import { rnntDecoding } from './rnntDecoding.js'
import { rnntLoss } from './rnntLoss.js'
import { rnntNet } from './rnntNet.js'
import { schedulers } from './schedulers.js'
import { angularSoftmax, lstmDecoder, speakerDecoder, speakerNet } from './speaker.js'
import { specAugment } from './specAugment.js'
import { tokenizers } from './tokenizers.js'
import { trainingTrajectory } from './trainingTrajectory.js'
import { vadPostprocess } from './vadPostprocess.js'
import { wer } from './wer.js'
import { werBpe } from './werBpe.js'

/** All kinds of cases that we can compute; the first that matches counts. */
export const caseHandlers: readonly CaseHandler[] = [
  mel,
  speakerNet,
  convEncoder,
  conformerEncoder,
  ctc,
  rnntLoss,
  rnntNet,
  rnntDecoding,
  speakerDecoder,
  angularSoftmax,
  lstmDecoder,
  ctcBeam,
  kenLm,
  vadPostprocess,
  perturb,
  werBpe,
  specAugment,
  wer,
  optimizers,
  schedulers,
  nemoArchive,
  trainingTrajectory,
  neuralTypes,
  tokenizers,
  nlpHeads,
]
