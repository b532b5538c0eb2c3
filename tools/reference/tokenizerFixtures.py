"""Makes packages/tokenizers/test/fixtures.

    python tokenizerFixtures.py GOLDENS DIR

GOLDENS is the reference case `tokenizers`, whose models and encodings are repacked; more models are trained on its corpus
for what that case lacks. Made with sentencepiece 0.1.99, protobuf 3.20 and tokenizers 0.23.3.

Models are stored without the compiled normalisation rules, which are large and common: <rules>.charsmap.gz holds those.
"""

import gzip
import json
import os
import random
import sys
import tempfile

import sentencepiece
import sentencepiece.sentencepiece_model_pb2 as model_pb2
from tokenizers import BertWordPieceTokenizer

TEXTS = 50
TRAINED = {
    'bpe-bytes': dict(model_type='bpe', vocab_size=420, byte_fallback=True, character_coverage=0.98),
    'unigram-bytes': dict(
        model_type='unigram', vocab_size=420, byte_fallback=True, character_coverage=0.98,
        user_defined_symbols=['<sep>', 'ab', 'the'], control_symbols=['<ctl>'],
    ),
    'bpe-symbols': dict(model_type='bpe', vocab_size=200, user_defined_symbols=['<sep>', 'th', '▁of', '日本']),
    'unigram-suffix': dict(model_type='unigram', vocab_size=150, treat_whitespace_as_suffix=True),
    'word': dict(model_type='word', vocab_size=300),
    'char-plain': dict(model_type='char', vocab_size=100, add_dummy_prefix=False, user_defined_symbols=['and']),
    'unigram-spaces': dict(
        model_type='unigram', vocab_size=150, remove_extra_whitespaces=False,
        normalization_rule_name='nmt_nfkc_cf', unk_surface='??',
    ),
}  # fmt: skip


def write_gz(path, data):
    with open(path, 'wb') as file:
        file.write(gzip.compress(data, 9, mtime=0))


def write_model(directory, name, proto):
    spec = proto.normalizer_spec
    if spec.precompiled_charsmap:
        write_gz(f'{directory}/{spec.name}.charsmap.gz', spec.precompiled_charsmap)
        spec.precompiled_charsmap = b''
    with open(f'{directory}/{name}.model', 'wb') as file:
        file.write(proto.SerializeToString())


def load(path):
    proto = model_pb2.ModelProto()
    with open(path, 'rb') as file:
        proto.ParseFromString(file.read())
    return proto


def random_text(rng, lines):
    kind = rng.random()
    if kind < 0.4:
        words = rng.choice(lines).split()
        start = rng.randrange(max(1, len(words)))
        return ' '.join(words[start : start + 8])
    if kind < 0.7:
        alphabet = 'abtheTHE  ▁<sep>ing,.日本語😀ﬁé①½\u200b\u3000\u00a0\tﾊﾟか\u3099'
        return ''.join(rng.choice(alphabet) for _ in range(rng.randrange(25)))
    if kind < 0.9:
        ranges = [(32, 0x250), (0x300, 0x370), (0xAC00, 0xD7A3), (0x1F300, 0x1F700), (0xFB00, 0xFFEF), (0x3000, 0x33FF)]
        return ''.join(chr(rng.randrange(*rng.choice(ranges))) for _ in range(rng.randrange(15)))
    odd = ['', ' ', '  ', '▁', '▁▁ ▁', '\u0007', '<unk>', '<s>x</s>', '<ctl>', '<0x41>', 'a<0x41>b', '<sep><sep>', ' the the ']
    return rng.choice(odd)


def encodings(path, texts, rng):
    processor = sentencepiece.SentencePieceProcessor(model_file=path)
    rows = []
    for text in texts:
        ids = [rng.randrange(processor.get_piece_size()) for _ in range(rng.randrange(12))]
        odd = ['▁', '▁▁', 'a', 'zz', '▁the', '<0xE3>', '<0x81>', '<0x82>', '<s>', '<unk>', '日', '▁▁x']
        pieces = [rng.choice(odd) for _ in range(rng.randrange(8))]
        rows.append(
            {
                'text': text,
                'ids': processor.encode(text),
                'pieces': processor.encode(text, out_type=str),
                'decoded': processor.decode(processor.encode(text)),
                'random_ids': [ids, processor.decode(ids)],
                'random_pieces': [pieces, processor.decode_pieces(pieces)],
            }
        )
    return rows


def sentence_piece(goldens, directory):
    os.makedirs(directory, exist_ok=True)
    rng = random.Random(1)
    with open(f'{goldens}/encodings.json', encoding='utf-8') as file:
        known = json.load(file)
    result = {'sentences': known['sentences'], 'goldens': known['models'], 'trained': {}}
    for name in known['models']:
        write_model(directory, name, load(f'{goldens}/{name}/tokenizer.model'))
    with open(f'{goldens}/corpus.txt', encoding='utf-8') as file:
        lines = file.read().split('\n')[:600] + ['日本語のテキスト', 'привет мир', 'emoji 😀 here'] * 5
    with tempfile.TemporaryDirectory() as temporary:
        corpus = f'{temporary}/corpus.txt'
        with open(corpus, 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines))
        for name, options in TRAINED.items():
            sentencepiece.SentencePieceTrainer.train(
                input=corpus, model_prefix=f'{temporary}/{name}', minloglevel=2, hard_vocab_limit=False, **options
            )
        # Pieces that must not be used, and scores above 0, come from editing.
        for name, source in (('bpe-unused', 'bpe-symbols'), ('unigram-unused', 'unigram-spaces')):
            proto = load(f'{temporary}/{source}.model')
            for piece in proto.pieces:
                normal = piece.type == 1
                if normal and len(piece.piece) > 1 and rng.random() < 0.4:
                    piece.type = 5
                if normal and name == 'unigram-unused':
                    piece.score += 8
                    if len(piece.piece) == 3:
                        piece.type = 4
            with open(f'{temporary}/{name}.model', 'wb') as file:
                file.write(proto.SerializeToString())
        for name in [*TRAINED, 'bpe-unused', 'unigram-unused']:
            path = f'{temporary}/{name}.model'
            result['trained'][name] = encodings(path, [random_text(rng, lines) for _ in range(TEXTS)], rng)
            write_model(directory, name, load(path))
    write_gz(f'{directory}/encodings.json.gz', json.dumps(result, ensure_ascii=False).encode())


def word_piece(directory):
    os.makedirs(directory, exist_ok=True)
    rng = random.Random(2)
    words = (
        "the a of and to in is it un able affable ##able ##aff ##s ##ing ##ed walk run hello world ##ld wor ##r é ##é 日 本 한 "
        "##국 국 ' , . ! ? - ~ $ + ( ) [ ] 1 2 ##1 ##2 ##3 i̇ ##̇ ss ß ##ß α ##ς σ ##σ"
    ).split()
    letters = 'abcdefghijklmnopqrstuvwxyz'
    special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    vocabulary = list(dict.fromkeys([*special, *words, *letters, 'H', 'W', *(f'##{c}' for c in letters)]))
    path = f'{directory}/vocab.txt'
    with open(path, 'w', encoding='utf-8') as file:
        file.write('\n'.join(vocabulary) + '\n')

    def text():
        kind = rng.random()
        if kind < 0.3:
            some = (
                "Hello WORLD unaffable walking Élan café naïve ß Σίσυφος 日本語 한국어 don't U.S.A. $5.00 a~b a+b run-of [MASK] "
                '[SEP]x x[UNK] [mask] [CLS][SEP] 123'
            ).split()
            return ' '.join(rng.choice(some) for _ in range(rng.randrange(1, 9)))
        if kind < 0.6:
            alphabet = 'abcHW é日本\t\n \u00a0\u2028\u3000\u200b\u00ad\ufffd\u0000\u0007.,!$^`~|«»…€©[]MASKe\u0301가'
            return ''.join(rng.choice(alphabet) for _ in range(rng.randrange(25)))
        if kind < 0.9:
            ranges = [(32, 0x250), (0x370, 0x400), (0x300, 0x370), (0xAC00, 0xD7A3), (0x1F300, 0x1F600), (0x2000, 0x2070)]
            return ''.join(chr(rng.randrange(*rng.choice(ranges))) for _ in range(rng.randrange(20)))
        return rng.choice(['a' * 99, 'a' * 100, 'a' * 101, '日' * 120, ' ', '', '[MASK]', '[ MASK ]'])

    variants = []
    for lowercase, strip_accents in ((True, True), (False, False), (True, False)):
        tokenizer = BertWordPieceTokenizer(path, lowercase=lowercase, strip_accents=strip_accents)
        tokenizer.add_special_tokens(special)
        rows = []
        for _ in range(200):
            sample = text()
            encoding = tokenizer.encode(sample, add_special_tokens=False)
            rows.append({'text': sample, 'tokens': encoding.tokens, 'ids': encoding.ids})
        variants.append({'lowercase': lowercase, 'stripAccents': strip_accents, 'rows': rows})
    write_gz(f'{directory}/encodings.json.gz', json.dumps(variants, ensure_ascii=False).encode())


if __name__ == '__main__':
    goldens, out = sys.argv[1:3]
    sentence_piece(goldens, f'{out}/sentencePiece')
    word_piece(f'{out}/wordPiece')
