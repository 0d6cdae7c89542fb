"""Descriptions of definitions and fields, read from the docstrings of lightkube-models as text: nothing of that package is imported.

Without the package there are no descriptions, and everything else works.
"""

import importlib.util
import re
from pathlib import Path

_CLASS = re.compile(r"^class (\w+)\(", re.M)
_FIELD = re.compile(r"^ {6}\* \*\*(\S+)\*\* ``[^`]*``(?: - )?", re.M)
#: the package wraps texts at this width
_WIDTH = 78
_WORD = re.compile(r"\s*\S+")
_LISTED = re.compile(r"[ \t*-]|\d+\. ")
_PREFIXES = {
    "io.k8s.apimachinery.pkg.apis.meta": "meta",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions": "apiextensions",
    "io.k8s.kube-aggregator.pkg.apis.apiregistration": "apiregistration",
}
Texts = tuple[str, dict[str, str]]


class Descriptions:
    """Texts by definition; a module's file is read once, and all is forgotten with the object."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("lightkube.models")
        locations = spec.submodule_search_locations if spec is not None else None
        self._folder = Path(next(iter(locations))) if locations else None
        self._modules: dict[str, dict[str, Texts]] = {}

    def of(self, definition: str) -> Texts:
        """(the definition's text, texts of its fields)."""
        path, _, kind = definition.rpartition(".")
        prefix, _, version = path.rpartition(".")
        group = _PREFIXES.get(prefix) or prefix.rpartition(".")[2]
        return self._module(f"{group}_{version}").get(kind, ("", {}))

    def _module(self, name: str) -> dict[str, Texts]:
        found = self._modules.get(name)
        if found is None:
            found = self._modules[name] = self._read(name)
        return found

    def _read(self, name: str) -> dict[str, Texts]:
        if self._folder is None:
            return {}
        try:
            source = (self._folder / f"{name}.py").read_text(encoding="utf-8")
        except OSError:
            return {}
        return parse(source)


def parse(source: str) -> dict[str, Texts]:
    """Texts by class of a module's source."""
    found: dict[str, Texts] = {}
    marks = list(_CLASS.finditer(source))
    for mark, after in zip(marks, [*marks[1:], None]):
        body = source[mark.end() : after.start() if after is not None else len(source)]
        start = body.find('"""')
        end = body.find('"""', start + 3)
        if start >= 0 and end > start:
            found[mark[1]] = _docstring(body[start + 3 : end])
    return found


def _docstring(text: str) -> Texts:
    head, _, rest = text.partition("**parameters**")
    fields: dict[str, str] = {}
    marks = list(_FIELD.finditer(rest))
    for mark, after in zip(marks, [*marks[1:], None]):
        fields[mark[1]] = _joined(rest[mark.end() : after.start() if after is not None else len(rest)])
    return _joined(head), fields


def _joined(text: str) -> str:
    """A wrapped text as it was before: a line that ends although the next word had room ends a paragraph, or comes before a list."""
    lines = [line.rstrip() for line in text.strip("\n").rstrip().split("\n")]
    indents = [len(line) - len(line.lstrip(" ")) for line in lines[1:] if line.strip()]
    cut = min(indents, default=0)
    lines = [lines[0].strip(), *(line[cut:] for line in lines[1:] if line.strip())]
    out, listing = lines[0], False
    for before, line in zip(lines, lines[1:]):
        first = _WORD.match(line)
        room = _WIDTH - len(before) - 1 - len(first[0] if first else "")
        if room > 0 or (room == 0 and not before.endswith((".", "?", "!"))):
            listed = bool(_LISTED.match(line))
            out += ("\n" if listed and (listing or line.startswith(" ")) else "\n\n") + line
            listing = listed
        else:
            # a sentence whose next word would just have fitted was set off by two spaces
            out += ("  " if room == 0 else " ") + line
    return out
