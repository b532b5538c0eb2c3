import type { CaseHandler } from '../caseHandler.js'
import { convEncoder } from './convEncoder.js'
import { ctc } from './ctc.js'
import { mel } from './mel.js'
import { specAugment } from './specAugment.js'

/** All kinds of cases that we can compute; the first that matches counts. */
export const caseHandlers: readonly CaseHandler[] = [mel, convEncoder, ctc, specAugment]
