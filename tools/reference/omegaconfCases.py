"""Writes what OmegaConf and Hydra make of YAML scalars, interpolations and overrides.

    pip install omegaconf==2.3.0 hydra-core==1.3.2
    python tools/reference/omegaconfCases.py > packages/core/test/fixtures/config/omegaconf.json

Values that JSON lacks are written {"$": "nan"}, {"$": "inf"}, {"$": "-inf"}. A case that the original refuses is
{"error": true}.
"""

import json
import math
import os
import sys
import warnings

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from omegaconf import OmegaConf
from omegaconf._utils import get_yaml_loader

warnings.simplefilter("ignore")
os.environ.pop("NEMO_UNSET", None)

SCALARS = """yes|No|on|OFF|y|n|1e-3|1E5|1.|1.e3|.5|-.5|+.5|+1|-0|010|08|0o10|0x1F|0b101|1_000|1__0|1_000.5|12:30|1:60
01:30|1:30.5|.inf|-.inf|+.INF|.NaN|.nan|~|null|Null|NULL|nULL|2020-01-01|1e|e1|1.2.3|0.1e+5|1e+5|-1e-5|+12e03|0x|0b|0|00
-010|1.5e|--1|tRue|True|TRUE|true|NaN|inf|1,000|1 000|_1|1_|1._5|685.230_15e+03|190:20:30|190:20:30.15|1e1_0|1_0e1|0_1
+0x1f|-0b11|007|0.|+|...|'1'|"yes"|'it''s'|"a\\tb"|[1, a, 1e-3]|{a: 1, b: [yes, no]}|[]|{}|-0.0|1e400|.5e-3|.5e3|5e|-5_0"""

OVERRIDES = [
    "a=1", "a=1.0", "a=1e-3", "a=abc", "a=null", "a=NULL", "a=true", "a=False", "a=", "a=a b", "a= a b ", "a='a b'",
    "a=\"a 'b'\"", "a='it\\'s'", "a=[1,2,3]", "a=[]", "a={}", "a={b:1,c:[x,y]}", "a=[a,[b,{c:d}]]", "+a=1", "++a=1", "~a",
    "~a=1", "a.b.c=1", "a/b=c", "a@p=x", "a@p.q=x", "a@:b=x", "a=1,2,3", "a=choice(1,2,3)", "a=range(3)",
    "a=range(0,1,0.25)", "a=range(start=1,stop=10,step=3)", "a=interval(0,1)", "a=x:y", "a=http://x/y?z", "a=C:\\foo",
    "a=\\,b", "a=a\\=b", "a=a\\ b", "a=${x.y}", "a=${oc.env:FOO,3}", "a=x_${y}_z", "a=[${x},1]", "a=-5", "a=+5", "a=.5",
    "a=5.", "a=1_000", "a=010", "a=1e3x", "a=inf", "a=-inf", "a=nan", "a=infinity", "a=int(3.7)", "a=str(3)",
    "a=float(3)", "a=bool(0)", "a=int('5')", "a=str([1,2])", "a=sort(3,2,1)", "a=sort([3,1,2])",
    "a=sort(3,1,2,reverse=true)", "a=tag(t,choice(a,b))", "a=a,b,[c]", "a={a:b},c", "a=[1,2", "a={a}", "a=foo(1)", "a",
    "=1", "a==1", "a='x", "a=x'y'", "a=[a b, c d]", "a={a b:c d}", "a='${x}'", "a='\\\\'", "a='a\\\\'", "a='a\\b'",
    "a='a\\\\\\'b'", "a=$x", "a=*.py", "a=a|b", "a=a@b", "a=%d", "a=(1)", "$a=1", "a-b=1", "a.0=1", "a.0.b=1", "a= 1 ,2",
    "a=''", "a=' '", "a= ", "a=\\\\", "a={1:2}", "a={a:null}", "a=TrUe", "a=1e500", "a=1.5e3", "a=1E+3", "a=a\\b",
    "a=[a:b]", "a={a:b:c}", "a=x y,z", "a=range(10,0,-3)", "a=shuffle(a)", "a=int(1,2)", "a=a/b\\,c",
    "a=sort(range(10,1))", "a=[1,2],[3]", "a=1,", "a=,1", "a=[,]", "a=[1,]", "a={b:{c:{d:[{e:1}]}}}", "a=x\\(1\\)",
    "a=float(range(0,3))", "a=choice([a],{b:1})", "a=\"\\\"\"", "a=  [ 1 , 2 ]", "a=a b\\ ", "a=${x}${y}",
]

INTERPOLATED = {
    "x": "hi", "f": 1e-5, "g": True, "h": None, "j": 1.25e22, "k": 0.0001, "l": [1, "two", [3]],
    "a": {"b": 7, "c": "${.b}", "d": {"e": "${..b}"}}, "alias": "${a}", "n": "k", "b": {"k": {"v": 5}},
}
TEXTS = [
    "${x}", "${ x }", "${a.b}", "${a[b]}", "${[x]}", "${[a][b]}", "${l[0]}", "${l.1}", "${l[2][0]}", "${a.c}", "${a.d.e}",
    "${alias.c}", "${alias.d.e}", "${x}${x}", "pre_${x}_post", "q${f}${g}${h}${j}${k}", "${f}", "${h}", "${a}", "${l}",
    "s${l}", "${b.${n}.v}", "${b[${n}].v}", "\\${a}", "\\\\${x}", "\\\\\\${x}", "a\\b${x}", "${x}\\", "a $x b", "$${x}",
    "${x}}", "{${x}}", "${.x}", "${..x}", "${nope}", "${x", "${}", "${x.y}", "${a.nope}", "${l[7]}", "$x", "\\\\x",
    "${oc.decode:'1'}", "${oc.decode:'{a:1,b:[c,2.5]}'}", "${oc.decode:null}", "${oc.env:NEMO_UNSET,10}",
    "${oc.env:NEMO_UNSET,'a${x}b'}", "${oc.env:NEMO_UNSET,null}", "${oc.env:NEMO_UNSET,true}", "${oc.env:NEMO_UNSET,[1]}",
    "${oc.env:NEMO_UNSET, a b }", "${oc.env:NEMO_UNSET,1e-5}", "${oc.env:NEMO_UNSET,a\\,b}", "${oc.env:NEMO_UNSET,}",
    "${oc.env:NEMO_UNSET,'it\\'s'}", "${oc.env:NEMO_UNSET,a:b}", "${oc.env:NEMO_UNSET,http://x.y/z?q}",
    "${oc.env:NEMO_UNSET,${x} y}", "${oc.env:NEMO_UNSET,\"${x}\\\"\"}", "${oc.env:NEMO_UNSET,'\\\\'}",
    "${oc.env:NEMO_UNSET,'a\\\\b'}", "${oc.env:NEMO_UNSET}", "${oc.select:nope,5}", "${oc.select:nope}",
    "${oc.select:a.b,5}", "${oc.create:{a:1}}", "${oc.dict.keys:b}", "${oc.dict.values:b.k}", "${nosuch:1}",
    "${oc.env:NEMO_UNSET,${oc.env:NEMO_UNSET,deep}}", "${oc.decode:'[${a.b},${x}]'}",
]


def clean(value):
    if isinstance(value, float) and (math.isnan(value) or math.isinf(value)):
        return {"$": str(value)}
    if isinstance(value, dict):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value


def attempt(function):
    try:
        return function()
    except Exception:
        return {"error": True}


def override(text):
    parsed = OverridesParser.create().parse_overrides([text])[0]
    result = {"type": parsed.type.name, "key": parsed.key_or_group, "package": parsed.package}
    if isinstance(parsed._value, (ChoiceSweep, RangeSweep)):
        result["sweep"] = clean([Override._convert_value(value) for value in parsed.sweep_iterator()])
    elif isinstance(parsed._value, IntervalSweep):
        result["sweep"] = "interval"
    else:
        result["value"] = clean(parsed.value())
    return result


def interpolate(text):
    config = OmegaConf.create({**INTERPOLATED, "value": text})
    value = config.value
    return {"value": clean(OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value)}


scalars = [text for line in SCALARS.split("\n") for text in line.split("|")]
json.dump(
    {
        "scalars": {s: attempt(lambda: {"value": clean(yaml.load("k: " + s, Loader=get_yaml_loader())["k"])}) for s in scalars},
        "overrides": {o: attempt(lambda: override(o)) for o in OVERRIDES},
        "interpolated": clean(INTERPOLATED),
        "texts": {t: attempt(lambda: interpolate(t)) for t in TEXTS},
    },
    sys.stdout,
    indent=1,
    ensure_ascii=True,
)
print()
