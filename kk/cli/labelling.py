"""What label and annotate share: KEY=VALUE and KEY- on metadata, by a merge patch. The rules and words are kubectl's."""

from __future__ import annotations

import copy

from .command import Options
from .context import Env, dry_run
from .errors import CommandError, raise_all
from .resources import Item, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Words:
    """How the two verbs speak: noun "label", field "labels", done "labeled", undone "unlabeled", idle "not labeled"."""

    def __init__(self, noun: str, field: str, done: str, undone: str, idle: str):
        self.noun, self.field, self.done, self.undone, self.idle = noun, field, done, undone, idle


def split(args: list[str], noun: str) -> tuple[list[str], list[str]]:
    """Words that name objects, and the KEY=VALUE and KEY- words after them.

    Raises CommandError where a word that names an object follows a pair.
    """
    resources: list[str] = []
    pairs: list[str] = []
    for word in args:
        pair = ("=" in word and word[0] != "=") or (word.endswith("-") and word != "-")
        if pair:
            pairs.append(word)
        elif pairs:
            raise CommandError(f"all resources must be specified before {noun} changes: {word}")
        else:
            resources.append(word)
    return resources, pairs


def run(env: Env, options: Options, words: Words, check: Any) -> None:
    """Change the metadata of what is meant; `check(pair)` raises for a value that may not be."""
    resources, pairs = split(options.args, words.noun)
    new, gone = _parsed(pairs, words, check)
    if options.list and options.output:
        raise CommandError("--list and --output may not be specified together")
    files = options.filename or options.kustomize
    for name in ("selector", "field_selector"):
        if options.all and getattr(options, name):
            raise CommandError(f"cannot set --all and --{name.replace('_', '-')} at the same time")
    if not options.local and not resources and not files:
        raise CommandError("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if options.local and not files:
        raise CommandError("one or more files must be specified as -f pod.yaml or --filename=pod.json")
    if not new and not gone and not options.list:
        raise CommandError(f"at least one {words.noun} update is required")
    selection = select(env, resources, everything=options.all)
    if options.resource_version and not selection.single:
        raise CommandError("--resource-version may only be used with a single resource")
    from .results import Results

    results = Results(env)
    change = _Change(env, options, words, new, gone, selection.single, results)
    selection.each(change.one, latest=not options.local)


def _parsed(pairs: list[str], words: Words, check: Any) -> tuple[dict[str, str], list[str]]:
    new: dict[str, str] = {}
    gone: list[str] = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if equals:
            check(pair, key, value)
            new[key] = value
        else:
            gone.append(pair[:-1])
    for key in gone:
        if key in new:
            raise CommandError(f"can not both modify and remove {_article(words.noun)} in the same command")
    return new, gone


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


class _Change:
    """The change of one call, applied to one object after the other."""

    def __init__(self, env: Env, options: Options, words: Words, new: dict, gone: list, single: bool, results: Any):
        self.env, self.options, self.words, self.new, self.gone = env, options, words, new, gone
        self.single, self.results = single, results

    def one(self, item: Item) -> None:
        """Change one object."""
        assert item.obj is not None
        before = item.obj
        had = dict((before.get("metadata") or {}).get(self.words.field) or {})
        if self.options.list and not self.new and not self.gone:
            return self._list(item, had)
        for key in self.gone:
            if key not in had and not self.options.local and self.words.undone:
                self.env.out(f'{self.words.noun} "{key}" not found.')
        after = self._changed(before, had)
        sent = dry_run(self.env) != "client" and not self.options.local and not self.options.list
        if sent:
            item.obj = self._send(item, before, after)
        else:
            item.obj = after
        if self.options.list:
            return self._list(item, after["metadata"].get(self.words.field) or {})
        self.results.tell(item, self._message(before, after))
        return None

    def _changed(self, before: dict[str, Any], had: dict[str, str]) -> dict[str, Any]:
        if not self.options.overwrite:
            self._check_taken(had)
        after = copy.deepcopy(before)
        wanted = {**had, **self.new}
        for key in self.gone:
            wanted.pop(key, None)
        meta = after.setdefault("metadata", {})
        if wanted or self.words.field in meta or self.new:
            meta[self.words.field] = wanted
        return after

    def _check_taken(self, had: dict[str, str]) -> None:
        taken = [f"'{k}' already has a value ({had[k]})" for k, v in self.new.items() if had.get(k, v) != v]
        if taken and self.words.noun == "annotation":
            listed = "; ".join(sorted(taken))
            raise CommandError(f"--overwrite is false but found the following declared annotation(s): {listed}")
        raise_all([CommandError(f"{text}, and --overwrite is false") for text in taken])

    def _send(self, item: Item, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        from . import writing

        field = self.words.field
        had, wants = (before.get("metadata") or {}).get(field) or {}, after["metadata"].get(field) or {}
        change: dict[str, Any] = {k: v for k, v in wants.items() if had.get(k) != v}
        change.update({k: None for k in had if k not in wants})
        meta: dict[str, Any] = {}
        if change:
            meta[field] = change
        if self.options.resource_version:
            meta["resourceVersion"] = self.options.resource_version
        return writing.patch(self.env, item, {"metadata": meta} if meta else {}, writing.MERGE_PATCH)

    def _message(self, before: dict[str, Any], after: dict[str, Any]) -> str:
        if self.words.undone == "":
            return self.words.done
        if before == after:
            return self.words.idle
        import json

        if not self.options.overwrite and len(json.dumps(after)) < len(json.dumps(before)):
            return self.words.undone
        return self.words.done

    def _list(self, item: Item, had: dict[str, str]) -> None:
        indent = ""
        if not self.single:
            indent = " "
            kind = f"{item.resource.kind}.{item.resource.group}"
            self.env.out(f"Listing {self.words.field} for {kind}/{item.name}:")
        for key in sorted(had):
            self.env.out(f"{indent}{key}={had[key]}")
