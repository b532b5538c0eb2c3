import { ort, type Plan, type Runtime, topologicalOrder } from '@nemo/graph'

/** ONNX Runtime that counts the nodes of the programs it compiles, by op. */
export function countingRuntime(): { readonly runtime: Runtime; readonly programs: Map<string, number>[] } {
  const inner = ort({ threads: 1 })
  const programs: Map<string, number>[] = []
  const runtime: Runtime = {
    name: inner.name,
    compile: (plan: Plan) => {
      const counts = new Map<string, number>()
      const roots = [...plan.outputs.map(({ tensor }) => tensor), ...plan.updates.map(({ tensor }) => tensor)]
      for (const { op } of topologicalOrder(roots)) counts.set(op.type, (counts.get(op.type) ?? 0) + 1)
      programs.push(counts)
      return inner.compile(plan)
    },
    read: (parameter) => inner.read(parameter),
    release: (parameter) => inner.release(parameter),
    dispose: () => inner.dispose(),
  }
  return { runtime, programs }
}
