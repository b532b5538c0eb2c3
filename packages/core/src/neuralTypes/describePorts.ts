import { portName } from './portName.js'
import { type PortTypes, portDeclarations, portsOf } from './ports.js'

/**
 * The ports of a module as a Markdown table: key, NeMo name, axes, element type, and whether it must be connected.
 * Lists show as `list of [B, T]`.
 *
 * @param module - A module class or a module.
 */
export function describePorts(module: object): string {
  const { inputs, outputs } = portsOf(module)
  return [
    '| Port | Name | Axes | Elements | |',
    '| --- | --- | --- | --- | --- |',
    ...rows('input', inputs),
    ...rows('output', outputs),
  ].join('\n')
}

function rows(direction: 'input' | 'output', ports: PortTypes | null): string[] {
  if (ports === null) return []
  return [...portDeclarations(ports).values()].map(({ key, neuralType, containerDepth }) => {
    const axes = `${'list of '.repeat(containerDepth)}${neuralType.axesText}`
    const kind = neuralType.optional ? `optional ${direction}` : direction
    return `| \`${key}\` | \`${portName(key, ports)}\` | ${axes} | ${neuralType.elementsType} | ${kind} |`
  })
}
