/** Version of the ai.onnx opset that every graph of the project is written in. */
export const OPSET = 20
/** ONNX file format version that goes with it. */
export const IR_VERSION = 9
/** Versions of the other domains we emit. */
export const DOMAIN_VERSIONS: Readonly<Record<string, number>> = {
  '': OPSET,
  'com.microsoft': 1,
  'com.microsoft.nchwc': 1,
}
