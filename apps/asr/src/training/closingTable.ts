/** Prints rows under headings, columns aligned. */
export function printTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  print: (line: string) => void = console.log,
): void {
  const widths = columns.map((column, i) =>
    Math.max([...column].length, ...rows.map((row) => [...(row[i] ?? '')].length)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd()
  print('')
  print(line(columns))
  print(widths.map((width) => '-'.repeat(width)).join('  '))
  for (const row of rows) print(line(row))
  print('')
}
