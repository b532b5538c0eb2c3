"""Makes packages/core/test/fixtures/checkpoint/pickles-pythonN.json: plain values, pickled with every protocol.

    python2.7 pickleFixtures.py > pickles-python2.json
    python3.11 pickleFixtures.py > pickles-python3.json

Each entry holds the value as JSON (see describe in torchFixtures.py) and the distinct pickles as hex.
"""

import binascii
import collections
import json
import pickle
import sys

PYTHON2 = sys.version_info[0] == 2
TEXT = type(u'')


def describe(value):
    if isinstance(value, collections.OrderedDict):
        return {'OrderedDict': [[describe(k), describe(v)] for k, v in value.items()]}
    if isinstance(value, dict):
        return {'dict': [[describe(k), describe(v)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {'tuple': [describe(v) for v in value]}
    if isinstance(value, list):
        return [describe(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return {'set': sorted(value)}
    if isinstance(value, bytearray) or (isinstance(value, bytes) and not PYTHON2):
        return {'bytes': list(value)}
    if isinstance(value, bool) or value is None or isinstance(value, (str, TEXT)):
        return value
    if isinstance(value, float):
        return {'float': value.hex()}
    return {'int': str(value)}


INTEGERS = [0, 1, -1, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, -(2**31), 2**31, 2**53, -(2**53), 2**53 + 1, 2**63, -(2**63), 10**40, -(10**40)]
FLOATS = [0.5, -0.0, 1e300, 5e-324, float('inf'), float('-inf'), 1.0 / 3]

VALUES = {
    'none': None,
    'booleans': [True, False],
    'integers': INTEGERS,
    'long': [2**2100, -(2**2100)],
    'floats': FLOATS,
    'text': [u'', u'plain', u'\u00e4\u20ac\U0001f600', u'line\nbreak\\u0041 "quoted" \'too\'', u'x' * 300],
    'native text': ['', 'plain', 'tab\t, line\n, back\\slash, "double" and \'single\'', 'y' * 300],
    'tuples': [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), (1, (2,)))],
    'lists': [[], [1], [[2, 3], []]],
    'dicts': [{}, {'a': 1}, {1: {2: {3: None}}}, collections.OrderedDict([('b', 1), ('a', [2])])],
    'sets': [set(), {1, 2, 3}, frozenset([4, 5])],
    'many': list(range(1200)),
    'bytearray': [bytearray(), bytearray([0, 127, 128, 255])],
}
if not PYTHON2:
    VALUES['bytes'] = [b'', b'abc', bytes(range(256)), bytes(300)]

shared = ['once']
VALUES['shared'] = [shared, shared, {'again': shared}]

if __name__ == '__main__':
    result = {}
    for name, value in sorted(VALUES.items()):
        dumps = []
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            data = binascii.hexlify(pickle.dumps(value, protocol)).decode('ascii')
            if data not in dumps:
                dumps.append(data)
        result[name] = {'value': describe(value), 'pickles': dumps}
    print(json.dumps(result, separators=(',', ':'), sort_keys=True))
