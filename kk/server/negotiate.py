"""Which representation a client gets, and in which form a body came: JSON, YAML or protobuf.

Pure. The words of refusals are those of k8s.io/apiserver `pkg/endpoints/handlers/negotiation`.
"""

import json
from dataclasses import dataclass
from typing import Any

import yaml

from kk.base.errors import StatusError, not_acceptable, unsupported_media_type

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
_READ = (JSON, YAML, PROTOBUF)
_FORMS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
_WRITTEN = "application/json, application/vnd.kubernetes.protobuf, application/yaml"
_WATCHED = (
    "application/json, application/json;stream=watch, application/vnd.kubernetes.protobuf, "
    "application/vnd.kubernetes.protobuf;stream=watch, application/yaml"
)
#: curl and browsers are read by people
_PEOPLE = (b"curl", b"Wget", b"Mozilla/5.0")
_REMEMBERED = 1000
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Form:
    """A representation: media type, `kind` Table, PartialObjectMetadata, PartialObjectMetadataList or "" for the object as it is, its version."""

    media: str = JSON
    kind: str = ""
    version: str = "v1"

    @property
    def plain(self) -> bool:
        """JSON of the object as it is: what the cache has ready."""
        return self.media == JSON and not self.kind


PLAIN = Form()
_known: dict[bytes, Form | None] = {b"": PLAIN, b"*/*": PLAIN, b"application/json": PLAIN}


def form_of(accept: bytes, read: bool) -> Form:
    """The form that an Accept header asks for; `read`: lists and reads name the streamed types too where they refuse. Raises 406."""
    if accept in _known:
        found = _known[accept]
    else:
        found = _choose(accept.decode("latin-1"))
        if len(accept) <= _LONGEST:
            if len(_known) > _REMEMBERED:
                _known.clear()
            _known[accept] = found
    if found is None:
        if b"as=" in accept:
            raise _form_refused()
        raise _refused(_WATCHED if read else _WRITTEN)
    return found


def _refused(available: str) -> StatusError:
    error = not_acceptable(f"406: Not Acceptable\n\nAvailable representations: {available}")
    error.status["details"] = {}
    return error


def _form_refused() -> StatusError:
    return not_acceptable(
        "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


def _clauses(accept: str) -> list[tuple[float, str, dict[str, str]]]:
    out = []
    for clause in accept.split(","):
        media, *pairs = [p.strip() for p in clause.split(";")]
        values = dict(p.split("=", 1) for p in pairs if "=" in p)
        try:
            weight = float(values.pop("q", "1"))
        except ValueError:
            weight = 0.0
        out.append((-weight, media, values))
    # of equal weight, what is exact comes before what leaves something open, as in goautoneg
    return sorted(out, key=lambda c: (c[0], c[1].startswith("*"), c[1].endswith("*")))


def _choose(accept: str) -> Form | None:
    for _, media, values in _clauses(accept):
        if media in ("*/*", "application/*"):
            media = JSON
        stream = values.get("stream")
        if media not in _READ or stream is not None and (stream != "watch" or media == YAML):
            continue
        kind = values.get("as", "")
        if not kind:
            return Form(media)
        version = values.get("v", "")
        if kind == "Table" and media == PROTOBUF:  # tables are no messages: the next clause decides
            continue
        if kind in _FORMS and values.get("g") == "meta.k8s.io" and version in ("v1", "v1beta1"):
            return Form(media, kind, version)
    return None


def stream_form(accept: bytes) -> Form:
    """The form of a watch's events. Raises 406, for YAML as well: a stream of it has no frames."""
    form = form_of(accept, read=True)
    if form.media == YAML:
        raise not_acceptable(
            f"only the following media types are accepted: {JSON};stream=watch, {PROTOBUF};stream=watch"
        )
    return form


def without_protobuf(accept: bytes) -> bytes:
    """An Accept header without what asks for whole objects in protobuf, which custom resources do not have."""
    clauses = accept.decode("latin-1").split(",")
    kept = [c for c in clauses if PROTOBUF not in c or "as=PartialObjectMetadata" in c.replace(" ", "")]
    return ",".join(kept or [f"{PROTOBUF};stream=none"]).encode("latin-1")


def is_pretty(query: str, agent: bytes) -> bool:
    """Whether to indent: asked for, or a person's tool that says nothing."""
    if query:
        return query in ("true", "1")
    return agent.startswith(_PEOPLE)


def dump(value: Any, form: Form, pretty: bool) -> bytes:
    """A decoded value as bytes of a form's media type."""
    if form.media == YAML:
        return yaml.dump(value, Dumper=_Dumper, sort_keys=True, allow_unicode=True, default_flow_style=False).encode()
    return json.dumps(value, indent=2 if pretty else None, ensure_ascii=False).encode() + (b"\n" if pretty else b"")


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        return True


def body_media(content_type: bytes) -> str:
    """The media type of a body; JSON where none is named. Raises 415."""
    media = content_type.decode("latin-1").partition(";")[0].strip() or JSON
    if media == "*/*":
        media = JSON
    if media not in _READ:
        raise unsupported_media_type(
            f"the body of the request was in an unknown format - accepted media types include: {', '.join(sorted(_READ))}"
        )
    return media
