"""Makes packages/tokenizers/test/fixtures/training.json.gz: vocabularies that the original libraries learn.

    python tokenizerTrainingFixtures.py GOLDENS FILE

GOLDENS is the reference case `tokenizers`, whose corpus is the text. Made with sentencepiece 0.2.0 (its 0.2.3 fits unigram models
in another way) and tokenizers 0.23.3. With

    python tokenizerTrainingFixtures.py --check MODEL TEXT IDS

it checks that sentencepiece reads MODEL and cuts each line of TEXT into the ids in the JSON file IDS.
"""

import gzip
import json
import sys
import tempfile

import sentencepiece

LINES = 500
CASES = {
    'bpe': dict(model_type='bpe', vocab_size=128),
    'bpe-folded': dict(model_type='bpe', vocab_size=600, normalization_rule_name='nmt_nfkc_cf'),
    'bpe-short': dict(model_type='bpe', vocab_size=300, max_sentencepiece_length=4, bos_id=1, eos_id=2, pad_id=3),
    'bpe-bytes': dict(
        model_type='bpe', vocab_size=420, character_coverage=0.98, byte_fallback=True, user_defined_symbols=['<sep>', 'th'],
    ),
    'unigram': dict(model_type='unigram', vocab_size=160),
    'unigram-symbols': dict(
        model_type='unigram', vocab_size=300, character_coverage=0.99, bos_id=1, eos_id=2, user_defined_symbols=['the'],
    ),
    'char': dict(model_type='char', vocab_size=200),
    'char-few': dict(model_type='char', vocab_size=40, character_coverage=0.99),
    'word': dict(model_type='word', vocab_size=300, character_coverage=0.99),
}  # fmt: skip


def train(path, options, directory):
    sentencepiece.SentencePieceTrainer.train(
        input=path, model_prefix=f'{directory}/m', minloglevel=2, hard_vocab_limit=False,
        **{'character_coverage': 1.0, 'bos_id': -1, 'eos_id': -1, **options},
    )  # fmt: skip
    with open(f'{directory}/m.vocab', encoding='utf-8') as file:
        return file.read()


def check(model, text, ids):
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    with open(text, encoding='utf-8') as file:
        lines = file.read().split('\n')
    with open(ids, encoding='utf-8') as file:
        expected = json.load(file)
    wrong = [line for line, want in zip(lines, expected, strict=True) if processor.encode(line) != want]
    print(f'{len(lines) - len(wrong)} of {len(lines)} lines agree')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    if sys.argv[1] == '--check':
        check(*sys.argv[2:])
    from tokenizers import BertWordPieceTokenizer

    goldens, out = sys.argv[1:3]
    with open(f'{goldens}/corpus.txt', encoding='utf-8') as file:
        lines = file.read().split('\n')[:LINES] + ['日本語のテキスト', 'привет мир', 'emoji 😀 here'] * 5
    result = {'lines': lines, 'sentencePiece': {}}
    with tempfile.TemporaryDirectory() as temporary:
        path = f'{temporary}/corpus.txt'
        with open(path, 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines))
        for name, options in CASES.items():
            result['sentencePiece'][name] = train(path, options, temporary)
        # Ids of characters inside words, and so ties between pairs, are random there.
        runs = []
        for _ in range(40):
            tokenizer = BertWordPieceTokenizer(lowercase=True)
            tokenizer.train(path, vocab_size=400, show_progress=False)
            runs.append(set(tokenizer.get_vocab()))
        result['wordPiece'] = {'always': sorted(set.intersection(*runs)), 'ever': sorted(set.union(*runs))}
    with open(out, 'wb') as file:
        file.write(gzip.compress(json.dumps(result, ensure_ascii=False).encode(), 9, mtime=0))
