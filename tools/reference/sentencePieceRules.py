"""Writes packages/tokenizers/src/sentencePiece/rules: SentencePiece's compiled normalisation rules, compressed, as base64.

    python sentencePieceRules.py DIR

Made with sentencepiece 0.2.3 (Apache-2.0).
"""

import base64
import os
import sys
import tempfile
import zlib

import sentencepiece
import sentencepiece.sentencepiece_model_pb2 as model_pb2

RULES = {'nmt_nfkc': 'nmtNfkc', 'nmt_nfkc_cf': 'nmtNfkcCf'}


def compiled(rule, directory):
    corpus = f'{directory}/corpus.txt'
    with open(corpus, 'w', encoding='utf-8') as file:
        file.write('a b c\n' * 10)
    sentencepiece.SentencePieceTrainer.train(
        input=corpus, model_prefix=f'{directory}/{rule}', model_type='char', vocab_size=8, normalization_rule_name=rule,
        minloglevel=2,
    )  # fmt: skip
    proto = model_pb2.ModelProto()
    with open(f'{directory}/{rule}.model', 'rb') as file:
        proto.ParseFromString(file.read())
    return proto.normalizer_spec.precompiled_charsmap


def deflated(data):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return compressor.compress(data) + compressor.flush()


if __name__ == '__main__':
    (out,) = sys.argv[1:]
    for rule, name in RULES.items():
        with tempfile.TemporaryDirectory() as temporary:
            text = base64.b64encode(deflated(compiled(rule, temporary))).decode()
        with open(os.path.join(out, f'{name}.ts'), 'w', encoding='utf-8') as file:
            file.write(
                f'/** SentencePiece\'s rules `{rule}`, deflated, in base64; written by tools/reference/sentencePieceRules.py. */\n'
                f"export const {name} =\n  '{text}'\n"
            )
