"""Data of ConfigMaps and Secrets from --from-literal, --from-file and --from-env-file. The rules are kubectl's."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ...command import Flag, Options
from ...context import Env
from ...errors import CommandError

FLAGS = (
    Flag("append-hash", type="bool", help="Append a hash of the content to the name."),
    Flag("from-env-file", type="list", help="File with lines of key=value."),
    Flag("from-file", type="list", help="File whose content is a value, as [key=]file, or a folder of such files."),
    Flag("from-literal", type="array", help="A key=value."),
)


def collect(env: Env, options: Options, what: str) -> dict[str, bytes]:
    """Key → content, in the order files, literals, env files.

    Raises CommandError for a bad source, a bad key or one that is there twice.
    """
    if options.from_env_file and (options.from_file or options.from_literal):
        raise CommandError("from-env-file cannot be combined with from-file or from-literal")
    found: dict[str, bytes] = {}
    for key, value in _pairs(env, options):
        _check(key, what)
        if key in found:
            raise CommandError(
                f'cannot add key "{key}", another key by that name already exists in Data for {what} "{options.args[0]}"'
            )
        found[key] = value
    return found


def _check(key: str, what: str) -> None:
    from kk.base.names import config_map_key

    faults = list(config_map_key(key))
    if faults:
        raise CommandError(f'"{key}" is not a valid key name for a {what}: {"; ".join(faults)}')


def _pairs(env: Env, options: Options) -> Iterator[tuple[str, bytes]]:
    for source in options.from_file:
        yield from _file(env, source)
    for literal in options.from_literal:
        key, equals, value = literal.partition("=")
        if not equals or not key:
            raise CommandError(f"invalid literal source {literal}, expected key=value")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        yield key, value.encode()
    for path in options.from_env_file:
        yield from _env_file(env, path)


def _file(env: Env, source: str) -> Iterator[tuple[str, bytes]]:
    if source.count("=") > 1:
        raise CommandError("key names or file paths cannot contain '='")
    key, equals, path = source.partition("=")
    if not equals:
        key, path = os.path.basename(source), source
    elif not key:
        raise CommandError(f"key name for file path {path} missing")
    elif not path:
        raise CommandError(f"file path for key name {key} missing")
    if path == "-" and equals:
        yield key, env.stdin.buffer.read()
        return
    if os.path.isdir(path):
        if equals:
            raise CommandError("cannot give a key name for a directory path")
        from kk.base.names import config_map_key

        for name in sorted(os.listdir(path)):
            inner = os.path.join(path, name)
            if os.path.isfile(inner) and not list(config_map_key(name)):
                yield name, _read(inner)
        return
    yield key, _read(path)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise CommandError(f"error reading {path}: no such file or directory") from None
    except OSError as error:
        raise CommandError(f"error reading {path}: {(error.strerror or str(error)).lower()}") from None


def _env_file(env: Env, path: str) -> Iterator[tuple[str, bytes]]:
    for line in _read(path).decode("utf-8-sig", "replace").splitlines():
        line = line.lstrip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        yield key, (value if equals else env.environ.get(key, "")).encode()


def hashed(kind: str, obj: dict, fields: tuple[str, ...]) -> str:
    """The suffix of --append-hash: ten signs of the SHA-256 of the content, in an alphabet that spells no words."""
    import hashlib

    from ...printers.json import text

    shown = {"kind": kind, "name": obj["metadata"]["name"]}
    for field in fields:
        if field in ("data", "type") or obj.get(field):
            shown[field] = obj.get(field, "" if field != "type" else "")
    digest = hashlib.sha256(text(shown, indent=None).encode()).hexdigest()
    swap = {"0": "g", "1": "h", "3": "k", "a": "m", "e": "t"}
    return "".join(swap.get(c, c) for c in digest[:10])
