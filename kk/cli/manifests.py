"""Manifests from files, folders, URLs and standard input: text in, objects with their source out.

The rules are kubectl's: which files of a folder are read, JSON and YAML streams, lists taken apart. Nothing here asks the API server.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from .context import Env
from .errors import CommandError

EXTENSIONS = (".json", ".yaml", ".yml")


class Document:
    """One object as it was read; `source` is the file, URL or STDIN it came from."""

    __slots__ = ("obj", "source")

    def __init__(self, obj: dict[str, Any], source: str):
        self.obj, self.source = obj, source


def read(
    env: Env, names: list[str], recursive: bool = False, kustomize: str = "", errors: list[Exception] | None = None
) -> Iterator[Document]:
    """Every object of -f, in order, lists taken apart. With `errors` a bad file is noted there and the next one is read.

    Raises CommandError.
    """
    if kustomize:
        raise CommandError(
            f"kustomizations are not built in here: run 'kustomize build {kustomize} | {env.prog} … -f -'"
        )
    validated = _validated(env)
    for name in names:
        for source, data in _texts(env, name, recursive):
            try:
                for obj in objects(data, source, validated):
                    yield Document(obj, source)
            except CommandError as error:
                if errors is None:
                    raise
                errors.append(error)


def _texts(env: Env, name: str, recursive: bool) -> Iterator[tuple[str, bytes]]:
    if name == "-":
        buffer = getattr(env.stdin, "buffer", None)
        yield "STDIN", buffer.read() if buffer else env.stdin.read().encode()
    elif name.startswith(("http://", "https://")):
        yield name, _fetch(name)
    else:
        for path in _files(name, recursive):
            try:
                with open(path, "rb") as file:
                    yield path, file.read()
            except OSError as error:
                raise CommandError(f"open {path}: {(error.strerror or str(error)).lower()}") from None


def _files(name: str, recursive: bool) -> list[str]:
    if not os.path.exists(name):
        if any(sign in name for sign in "*?["):
            import glob

            found = sorted(glob.glob(name))
            if found:
                return [path for match in found for path in _files(match, recursive)]
        raise CommandError(f'the path "{name}" does not exist')
    if not os.path.isdir(name):
        return [name]
    paths: list[str] = []
    for folder, below, files in os.walk(name):
        below.sort()
        if not recursive:
            below.clear()
        paths.extend(os.path.join(folder, f) for f in files if f.endswith(EXTENSIONS))
    if not paths:
        raise CommandError(f"error reading [{name}]: recognized file extensions are [{' '.join(EXTENSIONS)}]")
    return sorted(paths)


def _fetch(url: str) -> bytes:
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=60) as answer:
            return answer.read()
    except HTTPError as error:
        raise CommandError(
            f'unable to read URL "{url}", server reported {error.code} {error.reason}, status code={error.code}'
        ) from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise CommandError(f'unable to read URL "{url}": {reason}') from None


def _validated(env: Env) -> bool:
    """Whether the verb has --validate and it is not switched off."""
    return str(getattr(env.options, "validate", "ignore")) not in ("ignore", "false")


def _unvalid(source: str, fault: str) -> CommandError:
    return CommandError(
        f'error validating "{source}": error validating data: {fault}; '
        "if you choose to ignore these errors, turn validation off with --validate=false"
    )


def objects(data: bytes, source: str, validated: bool = False) -> Iterator[dict[str, Any]]:
    """The objects of a JSON or YAML stream; items of a List each for itself. `validated` words what is missing as validation does.

    Raises CommandError that names the source.
    """
    for value in _values(data, source):
        if value is None:
            continue
        if validated:
            faults = list(dict.fromkeys(_faults(value)))
            if faults:
                raise _unvalid(source, faults[0] if len(faults) == 1 else "[" + ", ".join(faults) + "]")
        if not isinstance(value, dict):
            raise CommandError(
                f'unable to decode "{source}": json: cannot unmarshal {_go_kind(value)} into Go value of type '
                "map[string]interface {}"
            )
        yield from _apart(value, source)


def _faults(value: Any) -> list[str]:
    """What validation says of the outermost fields, before anybody asks what kind it is."""
    if not isinstance(value, dict):
        return ["invalid object to validate"]
    found = []
    for field in ("apiVersion", "kind"):
        if not value.get(field):
            found.append(f"{field} not set")
        elif not isinstance(value[field], str):
            found.append(f"{field} isn't string type")
    if not found and value["kind"] == "List":
        items = value.get("items")
        if not isinstance(items, list):
            return ["invalid object to validate"]
        return [fault for item in items for fault in _faults(item)]
    return found


def unmarshalled(source: str, value: Any, field: str, wanted: str) -> CommandError:
    """The error for a field of metadata that has a wrong type, as Go's decoder words it."""
    return CommandError(
        f'unable to decode "{source}": json: cannot unmarshal {_go_kind(value)} into Go struct field {field} of type {wanted}'
    )


def _go_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"


def _values(data: bytes, source: str) -> Iterator[Any]:
    """The documents: JSON one after the other as far as it is JSON, the rest as YAML."""
    if data.lstrip()[:1] in (b"{", b"["):
        text = data.decode("utf-8", "replace")
        decoder, place = json.JSONDecoder(), 0
        try:
            while text[place:].strip():
                place += len(text[place:]) - len(text[place:].lstrip())
                value, place = decoder.raw_decode(text, place)
                yield value
            return
        except (ValueError, RecursionError):
            data = text[place:].encode()  # flow style YAML begins like JSON: let YAML tell
    from . import yamls

    try:
        yield from yamls.parse_all(data)
    except yamls.Fault as error:
        raise CommandError(f"error parsing {source}: error converting YAML to JSON: {error}") from None


def _apart(value: dict[str, Any], source: str) -> Iterator[dict[str, Any]]:
    kind, version = value.get("kind"), value.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        if "items" not in value:
            shown = json.dumps(value, separators=(",", ":"), sort_keys=True)
            raise CommandError(f"unable to decode \"{source}\": Object 'Kind' is missing in '{shown}'")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
        for item in value["items"]:
            if isinstance(item, dict):
                if not item.get("kind") and kind != "List":
                    item = {"apiVersion": version, "kind": kind[:-4], **item}
                yield from _apart(item, source)
        return
    if not isinstance(version, str) or not version:
        shown = json.dumps(value, separators=(",", ":"), sort_keys=True)
        raise CommandError(f"unable to decode \"{source}\": Object 'apiVersion' is missing in '{shown}'")
    yield value
