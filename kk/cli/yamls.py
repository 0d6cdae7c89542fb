"""YAML as Kubernetes reads and writes it (sigs.k8s.io/yaml), which differs from PyYAML's: y and on are booleans, times stay
strings, 1:30 is no number; keys are sorted naturally, text that would read as something else is double-quoted.

Imported only by verbs that read manifests or write YAML.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_WORDS: dict[str, Any] = {}
for _word in ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"):
    _WORDS[_word] = True
for _word in ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"):
    _WORDS[_word] = False
for _word in ("", "~", "null", "Null", "NULL"):
    _WORDS[_word] = None

_INT = re.compile(r"[-+]?(0[bB][01_]+|0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|[0-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_TIME = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ]\s*[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*)?\Z")
_BASE60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")


class Fault(ValueError):
    """Text that is no YAML; the message begins with `yaml: ` as upstream's does."""


def _plain_scalar(text: str) -> Any:
    """What an unquoted scalar means; the text itself where nothing else."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[:1]
    if first in "+-.0123456789":
        if _INT.match(text):
            bare = text.replace("_", "")
            digits = bare.lstrip("+-")
            if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
                return int(bare, 8) if not set(digits) & set("89") else float(bare)
            return int(bare, 0)
        if _FLOAT.match(text):
            return float(text)
        if _SPECIAL.match(text):
            return float(text.replace(".", "", 1) if "n" in text.lower() else text)
    return text


class Loader(_Loader):  # type: ignore[misc, valid-type]
    """PyYAML's scanner with Kubernetes' idea of plain scalars; of repeated keys the last one counts."""

    yaml_implicit_resolvers: dict[str, list] = {
        "=": [],
        "<": [("tag:yaml.org,2002:merge", re.compile(r"^(?:<<)$"))],
    }


def _construct_str(loader: Any, node: Any) -> Any:
    return node.value if node.style else _plain_scalar(node.value)


def _construct_map(loader: Any, node: Any) -> dict[str, Any]:
    loader.flatten_mapping(node)
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, bool):
            key = "true" if key else "false"
        elif isinstance(key, (int, float)):
            key = str(key)
        elif not isinstance(key, str):
            raise Fault(f"yaml: line {key_node.start_mark.line + 1}: a key must be a string")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


Loader.add_constructor("tag:yaml.org,2002:str", _construct_str)
Loader.add_constructor("tag:yaml.org,2002:map", _construct_map)


def parse_all(text: str | bytes) -> Iterator[Any]:
    """The documents of a stream; empty ones come as None.

    Raises Fault.
    """
    aliased = "*" in text if isinstance(text, str) else b"*" in text
    try:
        for value in yaml.load_all(text, Loader):
            if aliased and _expanded(value, {}) > _MOST_NODES:
                raise Fault("yaml: document contains excessive aliasing")
            yield value
    except yaml.MarkedYAMLError as error:
        mark, context = error.problem_mark, error.context_mark
        line = 0
        if mark and mark.line:
            line = mark.line + isinstance(error, yaml.scanner.ScannerError)
        elif context and context.line:
            line = context.line
        where = f"line {line}: " if line else ""
        if isinstance(error, yaml.composer.ComposerError) and "undefined alias" in str(error.problem):
            raise Fault(f"yaml: unknown anchor '{_alias(text, mark)}' referenced") from None
        raise Fault(f"yaml: {where}{_reworded(error.problem or error.context or '')}") from None
    except yaml.YAMLError as error:
        raise Fault(f"yaml: {getattr(error, 'reason', None) or error}") from None
    except RecursionError:
        raise Fault("yaml: exceeded max depth of 10000") from None


#: how many values a document with aliases may stand for
_MOST_NODES = 1_000_000


def _expanded(value: Any, known: dict[int, int]) -> int:
    """How many values there are when every alias is written out."""
    if not isinstance(value, (dict, list)):
        return 1
    size = known.get(id(value))
    if size is None:
        known[id(value)] = 1  # a value inside itself counts once; writing it fails by its own
        inner = value.values() if isinstance(value, dict) else value
        size = known[id(value)] = 1 + sum(_expanded(v, known) for v in inner)
    return size


def _alias(text: str | bytes, mark: Any) -> str:
    """The name of the alias that stands at a mark."""
    lines = (text if isinstance(text, str) else text.decode("utf-8", "replace")).splitlines()
    found = (
        re.match(r"\*?([^\s,\[\]{}]+)", lines[mark.line][mark.column :]) if mark and mark.line < len(lines) else None
    )
    return found[1] if found else ""


def _reworded(problem: str) -> str:
    if problem.startswith("found character '\\t'") or "'\\t' that cannot start" in problem:
        return "found character that cannot start any token"
    return problem


def parse(text: str | bytes) -> Any:
    """The first document of the text; None for an empty text."""
    return next(parse_all(text), None)


def _resolvers() -> dict[str, list]:
    """What the emitter may leave unquoted and untagged, by first sign."""
    numbers = [("tag:yaml.org,2002:int", re.compile(r"-?[0-9]+\Z")), ("tag:yaml.org,2002:float", _FLOAT)]
    found: dict[str, list] = dict.fromkeys("-0123456789", numbers)
    found["t"] = found["f"] = [("tag:yaml.org,2002:bool", re.compile(r"(true|false)\Z"))]
    found["n"] = [("tag:yaml.org,2002:null", re.compile(r"null\Z"))]
    return found


class Dumper(_Dumper):  # type: ignore[misc, valid-type]
    """PyYAML's emitter with Kubernetes' choice of quotes."""

    yaml_implicit_resolvers = _resolvers()

    def ignore_aliases(self, data: Any) -> bool:
        """Never write anchors: objects are trees."""
        return True


def _represent_str(dumper: Any, text: str) -> Any:
    if "\n" in text:
        style = "|"
    elif _ambiguous(text):
        style = '"'
    else:
        style = None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _ambiguous(text: str) -> bool:
    """Whether the text, unquoted, would be read as something else."""
    if text in _WORDS or text == "<<":
        return True
    if text[:1] in "+-.0123456789":
        if isinstance(_plain_scalar(text), (int, float)) or _BASE60.match(text):
            return True
        return bool(_TIME.match(text))
    return False


def _represent_map(dumper: Any, data: dict[str, Any]) -> Any:
    keys = list(data)
    if all(k.isalpha() for k in keys):
        keys.sort()
    else:
        keys.sort(key=functools.cmp_to_key(_natural))
    return dumper.represent_mapping("tag:yaml.org,2002:map", [(k, data[k]) for k in keys], flow_style=not data)


def _represent_float(dumper: Any, number: float) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:float", float_text(number))


def float_text(number: float) -> str:
    """The number as Go's %g with the fewest digits has it: 1.5, 1e+06."""
    exponent = int(f"{number:e}".partition("e")[2])
    if -4 <= exponent < 6:
        return str(int(number)) if number.is_integer() else repr(number)
    for precision in range(18):
        text = f"{number:.{precision}e}"
        if float(text) == number:
            return text
    return repr(number)


def _natural(a: str, b: str) -> int:
    """Order of keys as go-yaml has it: runs of digits by their value, other signs before letters."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x == y:
            continue
        if x.isalpha() and y.isalpha():
            return -1 if x < y else 1
        if x.isalpha() or y.isalpha():
            return -1 if y.isalpha() else 1
        return _numbers(a, b, i) or (-1 if x < y else 1)
    return len(a) - len(b)


def _numbers(a: str, b: str, i: int) -> int:
    lead = 0
    if a[i] == "0" or b[i] == "0":
        for sign in reversed(a[:i]):
            if not sign.isdigit():
                break
            if sign != "0":
                lead = 1
                break
    runs = []
    for text in (a, b):
        end = i
        while end < len(text) and text[end].isdigit():
            end += 1
        runs.append((int(f"{lead or ''}{text[i:end]}" or 0), end))
    return (runs[0] > runs[1]) - (runs[0] < runs[1])


Dumper.add_representer(str, _represent_str)
Dumper.add_representer(dict, _represent_map)
Dumper.add_representer(float, _represent_float)
Dumper.add_representer(list, lambda d, data: d.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=not data))


def dump(value: Any) -> str:
    """The value as block YAML, with a newline at its end."""
    return yaml.dump(value, None, Dumper, default_flow_style=False, allow_unicode=True, width=80)
