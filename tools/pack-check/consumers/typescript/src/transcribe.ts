import { EncDecCTCModel } from '@nemo/asr'

const model: EncDecCTCModel = await EncDecCTCModel.restoreFrom('model.nemo')
const texts: readonly string[] = await model.transcribe(['sample.wav'])
console.log(texts[0])
