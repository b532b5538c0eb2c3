// Frequent ones first: a character is tried against one after the other, once.
const names =
  `Latin Common Han Hiragana Katakana Hangul Cyrillic Greek Arabic Hebrew Devanagari Inherited Thai Bengali Tamil
Telugu Gujarati Gurmukhi Kannada Malayalam Oriya Sinhala Lao Tibetan Myanmar Georgian Armenian Ethiopic Khmer Mongolian Cherokee
Canadian_Aboriginal Ogham Runic Bopomofo Yi Old_Italic Gothic Deseret Tagalog Hanunoo Buhid Tagbanwa Limbu Tai_Le Linear_B Ugaritic
Shavian Osmanya Cypriot Braille Buginese Coptic New_Tai_Lue Glagolitic Tifinagh Syloti_Nagri Old_Persian Kharoshthi Balinese
Cuneiform Phoenician Phags_Pa Nko Sundanese Lepcha Ol_Chiki Vai Saurashtra Kayah_Li Rejang Lycian Carian Lydian Cham Tai_Tham
Tai_Viet Avestan Egyptian_Hieroglyphs Samaritan Lisu Bamum Javanese Meetei_Mayek Imperial_Aramaic Old_South_Arabian
Inscriptional_Parthian Inscriptional_Pahlavi Old_Turkic Kaithi Batak Brahmi Mandaic Chakma Meroitic_Cursive Meroitic_Hieroglyphs
Miao Sharada Sora_Sompeng Takri Caucasian_Albanian Bassa_Vah Duployan Elbasan Grantha Pahawh_Hmong Khojki Linear_A Mahajani
Manichaean Mende_Kikakui Modi Mro Old_North_Arabian Nabataean Palmyrene Pau_Cin_Hau Old_Permic Psalter_Pahlavi Siddham Khudawadi
Tirhuta Warang_Citi Ahom Anatolian_Hieroglyphs Hatran Multani Old_Hungarian SignWriting Syriac Thaana`.split(/\s+/)

const scripts = names.map((name) => [name, new RegExp(`^\\p{Script=${name}}`, 'u')] as const)
const known = new Map<number, string>()

/** Unicode script of a character; `Common` where no script of Unicode 8 has it, as SentencePiece's table says. */
export function unicodeScript(codePoint: number): string {
  let script = known.get(codePoint)
  if (script === undefined) {
    const character = String.fromCodePoint(codePoint)
    script = scripts.find(([, pattern]) => pattern.test(character))?.[0] ?? 'Common'
    known.set(codePoint, script)
  }
  return script
}
