import { exportOnnx, type Tensor, type TensorData, type TensorLike } from '@nemo/graph'
import { atomicWriteFile } from '../checkpoint/atomicWriteFile.js'
import { nodeBuiltin } from '../checkpoint/nodeBuiltin.js'
import type { NeuralModule } from '../modules/neuralModule.js'
import { symbolicInputs } from '../modules/symbolicInputs.js'
import { portName } from '../neuralTypes/portName.js'
import { portsOf } from '../neuralTypes/ports.js'
import { moduleName } from './dag.js'
import { NeuralFactoryError } from './errors.js'
import { saveModuleTo } from './moduleFile.js'

/** Formats of exported modules; NeMo 0.9's, of which PyTorch's own TorchScript is not offered. */
export const DeploymentFormat = {
  /** ONNX. */
  AUTO: 'AUTO',
  /** The state dict, as a PyTorch file. */
  PYTORCH: 'PYTORCH',
  ONNX: 'ONNX',
} as const
export type DeploymentFormat = (typeof DeploymentFormat)[keyof typeof DeploymentFormat]

/** A module that is drawn otherwise for deployment, such as an encoder that leaves its lengths out. */
export interface DrawsForDeployment {
  drawForDeployment(inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>
}

/** Arguments of `deploymentExport`. */
export interface DeploymentExportOptions {
  readonly module: NeuralModule
  /** File to write; must not exist. */
  readonly output: string
  /** Default `AUTO`. */
  readonly dFormat?: DeploymentFormat
  /** Arrays by port, to try the module on; needed with `outputExample` only, as the graph is known without. */
  readonly inputExample?: Readonly<Record<string, TensorLike>>
  /** What the module must give for `inputExample`, by port, within 1e-4 of the largest value. */
  readonly outputExample?: Readonly<Record<string, TensorData>>
}

/**
 * Writes a module to a file. Inputs and outputs of ONNX files have NeMo's port names; their batch and time axes are dynamic.
 *
 * @throws NeuralFactoryError if the file exists, or the module does not give `outputExample`.
 *
 * Source: NeMo v0.9.0 `deployment_export`. Differences: it fails aloud; no example is needed; there is no `.json` beside a
 * PyTorch file.
 */
export async function deploymentExport(options: DeploymentExportOptions): Promise<void> {
  const { module, output, dFormat = DeploymentFormat.AUTO, inputExample, outputExample } = options
  const { existsSync } = nodeBuiltin('node:fs', 'Exporting a module')
  if (existsSync(output)) throw new NeuralFactoryError(`${output} exists already; remove it or name another file.`)
  if (outputExample) await checkExample(module, inputExample, outputExample)
  if (dFormat === DeploymentFormat.PYTORCH) await saveModuleTo(module, output)
  else await atomicWriteFile(output, await onnxBytes(module))
}

async function onnxBytes(module: NeuralModule & Partial<DrawsForDeployment>): Promise<Uint8Array> {
  const { inputs: inputTypes, outputs: outputTypes } = portsOf(module)
  if (!inputTypes)
    throw new NeuralFactoryError(`${moduleName(module)} declares no input ports; there is no graph to export.`)
  const inputs = symbolicInputs(inputTypes)
  const drawn = module.withMode(false, () =>
    module.drawForDeployment ? module.drawForDeployment(inputs) : (module.forward(inputs) as Record<string, Tensor>),
  )
  module.nameParameters()
  const outputs = Object.entries(drawn).map(
    ([key, tensor]) => [portName(key, outputTypes ?? undefined), tensor] as const,
  )
  return exportOnnx(Object.fromEntries(outputs), { graphName: moduleName(module) })
}

async function checkExample(
  module: NeuralModule,
  inputExample: DeploymentExportOptions['inputExample'],
  expected: Readonly<Record<string, TensorData>>,
): Promise<void> {
  if (!inputExample) throw new NeuralFactoryError('outputExample: give the inputExample that it belongs to.')
  const found = await module.withMode(false, () => module.run(inputExample))
  for (const [port, { data }] of Object.entries(expected)) {
    const values = Array.from(found[port]?.data ?? [], Number)
    const largest = Array.from(data, Number).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-8)
    if (
      values.length !== data.length ||
      values.some((value, i) => !(Math.abs(value - Number(data[i])) <= 1e-4 * largest))
    )
      throw new NeuralFactoryError(`${moduleName(module)} does not give outputExample.${port} for inputExample.`)
  }
}
