"""--runtime-config: which versions and resources are served, beside or less than those that always are.

The keys are kube-apiserver's: api/all, api/ga, api/beta, api/alpha, GROUP/VERSION, GROUP/VERSION/RESOURCE (the core group's version is /v1);
a key without a value means true. Objects are kept whether they are served or not. The model is `pkg/server/resourceconfig/helpers.go`.
"""

import re
from collections.abc import Iterable

from kk.kinds.kind import Resource

Resources = dict[tuple[str, str, str], Resource]
_MATCHERS = {
    "api/all": re.compile(r"v.*"),
    "api/ga": re.compile(r"v\d+"),
    "api/beta": re.compile(r"v\d+beta\d+"),
    "api/alpha": re.compile(r"v\d+alpha\d+"),
}
_TRUTH = {
    **dict.fromkeys(("", "1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


class BadConfig(ValueError):
    """A key or value that says nothing; the text is for the operator."""


def parse(given: Iterable[str]) -> dict[str, bool]:
    """key=value texts as a dict; later ones win. Raises BadConfig."""
    found: dict[str, bool] = {}
    for text in given:
        key, _, value = text.strip().partition("=")
        if value not in _TRUTH:
            raise BadConfig(
                f'invalid value of {key}: {value}, err: strconv.ParseBool: parsing "{value}": invalid syntax'
            )
        found[key] = _TRUTH[value]
    return found


def served(always: Resources, optional: Resources, given: Iterable[str]) -> Resources:
    """The resources to serve, in discovery's order. Raises BadConfig."""
    wanted = parse(given)
    if not wanted:
        return dict(always)
    known = {**always, **optional}
    _check(wanted, known)
    chosen = dict.fromkeys(known, False) | dict.fromkeys(always, True)
    for name, pattern in _MATCHERS.items():
        if name in wanted:
            chosen.update((key, wanted[name]) for key in known if pattern.fullmatch(key[1]))
    # whole versions before single resources: the narrower one wins
    for key, value in sorted(wanted.items(), key=lambda pair: pair[0].count("/")):
        if key not in _MATCHERS:
            _choose(chosen, key.split("/"), value)
    return {key: resource for key, resource in known.items() if chosen[key]}


def _choose(chosen: dict[tuple[str, str, str], bool], parts: list[str], value: bool) -> None:
    for key in chosen:
        if list(key[:2]) == parts[:2] and (len(parts) == 2 or key[2] == parts[2]):
            chosen[key] = value


def _check(wanted: dict[str, bool], known: Resources) -> None:
    versions = {key[:2] for key in known}
    groups = {key[0] for key in known}
    unknown = []
    for key in wanted:
        parts = key.split("/")
        if key in _MATCHERS:
            continue
        if len(parts) not in (2, 3):
            raise BadConfig(f"runtime-config invalid key {key}")
        if parts[0] not in groups:
            unknown.append(parts[0])
        elif tuple(parts[:2]) not in versions:
            raise BadConfig(f"group version {parts[0]}/{parts[1]} that has not been registered")
    if unknown:
        raise BadConfig(f"unknown api groups {','.join(sorted(set(unknown)))}")
