import { EncDecCTCModel } from '@nemo/asr'

const model = await EncDecCTCModel.restoreFrom('model.nemo')
const [text] = await model.transcribe(['sample.wav'])
console.log(text)
