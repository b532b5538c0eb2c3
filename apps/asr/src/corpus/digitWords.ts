/** The ten digits as the transcripts spell them; the index is the digit. */
export const digitWords = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'] as const

/** The transcript of a digit string: `[4, 0]` is "four zero". */
export function digitTranscript(digits: readonly number[]): string {
  return digits.map((digit) => digitWords[digit] ?? '').join(' ')
}
