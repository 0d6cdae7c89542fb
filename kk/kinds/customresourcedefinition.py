"""CustomResourceDefinition: a kind of its own that users bring. The server serves what an established definition describes."""

import re
from typing import Any

from kk.base import names
from kk.base.errors import duplicate, forbidden_value, invalid_value, required
from kk.kinds._cells import condition
from kk.kinds._checks import Errors, Obj, bad, each, fill, immutable, listed, one_of, section
from kk.kinds._structural import check_schema, field_of
from kk.kinds._webhooks import check_client, check_reviews
from kk.kinds.kind import Kind

_PER_VERSION = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_NOT_WEBHOOK = "should not be set when strategy is not set to Webhook"
_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_APPROVED = "api-approved.kubernetes.io"
_SEE = "https://github.com/kubernetes/enhancements/pull/1111"
_SCALARS = ("boolean", "integer", "string")


def default(obj: Obj) -> None:
    """Names follow from the kind; versions are not converted."""
    spec = section(obj, "spec")
    listed(spec, "versions")
    found = section(spec, "names")
    fill(found, "plural", "")
    kind = found.get("kind") or ""
    found["kind"] = kind
    if kind:
        if not found.get("singular"):
            found["singular"] = kind.lower()
        if not found.get("listKind"):
            found["listKind"] = f"{kind}List"
    conversion = section(spec, "conversion")
    if not conversion.get("strategy"):
        conversion["strategy"] = "None"
    service = ((conversion.get("webhook") or {}).get("clientConfig") or {}).get("service")
    if service is not None:
        fill(service, "port", 443)
    for column in (c for v in spec["versions"] or [] for c in v.get("additionalPrinterColumns") or []):
        fill(column, "jsonPath", "")
    status = section(obj, "status")
    listed(status, "conditions")
    fill(status, "acceptedNames", {"plural": "", "kind": ""})
    listed(status, "storedVersions")


def prepare_create(obj: Obj) -> None:
    """A new definition is stored in its storage version, and not yet accepted."""
    obj["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None}
    _note_storage(obj)


def prepare_update(obj: Obj, old: Obj) -> None:
    """A new storage version is noted at once."""
    if "status" in old:
        obj["status"] = {**old["status"]}
    _note_storage(obj)


def _note_storage(obj: Obj) -> None:
    status = obj["status"]
    for version in obj["spec"].get("versions") or []:
        if version.get("storage") and version.get("name") not in (status.get("storedVersions") or []):
            status["storedVersions"] = [*(status.get("storedVersions") or []), version["name"]]


def going(obj: Obj, now: str) -> bool:
    """A deleted definition stays until its instances are gone: the server removes them and then the finalizer."""
    metadata = obj["metadata"]
    if metadata.get("deletionTimestamp"):
        return False
    finalizers = metadata.get("finalizers") or []
    metadata["finalizers"] = [*finalizers, *([] if _CLEANUP in finalizers else [_CLEANUP])]
    pending = {
        "type": "Terminating",
        "status": "True",
        "lastTransitionTime": now,
        "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    }
    status = section(obj, "status")
    others = [c for c in status.get("conditions") or [] if c.get("type") != "Terminating"]
    status["conditions"] = [*others, pending]
    return True


def protected(group: str) -> bool:
    """Whether a group is Kubernetes' own, whose definitions need an approval."""
    return group in ("k8s.io", "kubernetes.io") or group.endswith((".k8s.io", ".kubernetes.io"))


def approval(annotations: Obj) -> tuple[str, str]:
    """(approved, bypassed, invalid or missing; the text that explains it) of a definition in a protected group."""
    text = annotations.get(_APPROVED) or ""
    if not text:
        return "missing", f'protected groups must have approval annotation "{_APPROVED}", see {_SEE}'
    if text.startswith("unapproved"):
        return "bypassed", f'not approved: "{text}"'
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s]+", text):
        return "approved", f"approved in {text}"
    why = 'with either a URL or a reason starting with "unapproved"'
    return "invalid", f'protected groups must have approval annotation "{_APPROVED}" {why}, see {_SEE}'


def _approval(obj: Obj, old: Obj | None, group: str) -> Errors:
    if not protected(group):
        return
    annotations = obj["metadata"].get("annotations") or {}
    state, why = approval(annotations)
    if old is not None and approval(old["metadata"].get("annotations") or {})[0] == state:
        return
    path = f"metadata.annotations[{_APPROVED}]"
    if state == "missing":
        yield required(path, why)
    elif state == "invalid":
        yield invalid_value(path, annotations[_APPROVED], why)


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Group, names, versions, schemas, conversion; what decides where objects are kept never changes."""
    spec = obj["spec"]
    found, group = spec.get("names") or {}, spec.get("group") or ""
    if old is None and obj["metadata"].get("name") and obj["metadata"]["name"] != f"{found.get('plural', '')}.{group}":
        yield invalid_value("metadata.name", obj["metadata"]["name"], 'must be spec.names.plural+"."+spec.group')
    if old is not None:
        yield from _fixed(spec, old)
    yield from _group(group)
    if not spec.get("scope"):
        yield required("spec.scope")
    else:
        yield from one_of("spec.scope", spec["scope"], ("Cluster", "Namespaced"))
    yield from _names("spec.names", found)
    yield from _versions(spec)
    if spec.get("preserveUnknownFields"):
        yield invalid_value(
            "spec.preserveUnknownFields",
            True,
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        )
    yield from _conversion("spec.conversion", spec.get("conversion") or {})
    yield from _stored(obj)
    yield from _approval(obj, old, group)


def _fixed(spec: Obj, old: Obj) -> Errors:
    before = old["spec"]
    yield from immutable("spec.group", spec.get("group"), before.get("group"))
    yield from immutable(
        "spec.names.plural", (spec.get("names") or {}).get("plural"), (before.get("names") or {}).get("plural")
    )
    if (condition(old, "Established") or {}).get("status") == "True":
        yield from immutable("spec.scope", spec.get("scope"), before.get("scope"))
        yield from immutable(
            "spec.names.kind", (spec.get("names") or {}).get("kind"), (before.get("names") or {}).get("kind")
        )


def _group(group: str) -> Errors:
    if not group:
        yield required("spec.group")
        return
    faults = names.dns_subdomain(group)
    yield from bad("spec.group", group, faults)
    if not faults and "." not in group:
        yield invalid_value("spec.group", group, "should be a domain with at least one dot")


def _names(path: str, found: Obj) -> Errors:
    for field in ("plural", "singular", "kind", "listKind"):
        value = found.get(field) or ""
        if not value:
            yield required(f"{path}.{field}")
        elif field in ("plural", "singular"):
            yield from bad(f"{path}.{field}", value, names.dns1035_label(value))
        else:
            for message in names.dns1035_label(value.lower()):
                yield invalid_value(
                    f"{path}.{field}", value, f"may have mixed case, but should otherwise match: {message}"
                )
    kind, many = found.get("kind") or "", found.get("listKind") or ""
    if kind and kind == many:
        yield invalid_value(f"{path}.listKind", many, "kind and listKind may not be the same")
    for field in ("shortNames", "categories"):
        for where, name in each(f"{path}.{field}", found.get(field)):
            yield from bad(where, name, names.dns1035_label(name))


def _versions(spec: Obj) -> Errors:
    versions = spec.get("versions") or []
    if sum(bool(v.get("storage")) for v in versions) != 1:
        yield invalid_value(
            "spec.versions", versions or None, "must have exactly one version marked as storage version"
        )
    if len({v.get("name") for v in versions}) < len(versions):
        yield invalid_value("spec.versions", versions, "must contain unique version names")
    for path, version in each("spec.versions", versions):
        name = version.get("name") or ""
        yield from bad(f"{path}.name", name, names.dns1035_label(name))
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            yield required(f"{path}.schema.openAPIV3Schema", "schemas are required")
    # what all versions have alike stands once, at the top, in upstream's own form; its messages tell those paths
    alike = {f for f in _PER_VERSION if versions and all(v.get(f) == versions[0].get(f) for v in versions)}
    for at, (path, version) in enumerate(each("spec.versions", versions)):
        for field in _PER_VERSION:
            if field not in alike or at == 0:
                top = "spec" if field in alike else path
                yield from _part(top, field, version, field in alike)


def _part(path: str, field: str, version: Obj, alike: bool) -> Errors:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if field == "schema" and schema is not None:
        yield from check_schema(f"{path}.{'validation' if alike else 'schema'}.openAPIV3Schema", schema)
    elif field == "subresources":
        yield from _subresources(f"{path}.subresources", version.get("subresources") or {})
    elif field == "additionalPrinterColumns":
        for where, column in each(f"{path}.{field}", version.get(field)):
            yield from _column(where, column)
    elif field == "selectableFields":
        yield from _selectable(f"{path}.{field}", version.get(field), schema or {})


def _subresources(path: str, found: Obj) -> Errors:
    scale = found.get("scale")
    if scale is None:
        return
    for field, root, needed in (
        ("specReplicasPath", ".spec.", True),
        ("statusReplicasPath", ".status.", True),
        ("labelSelectorPath", "", False),
    ):
        value = scale.get(field) or ""
        where = f"{path}.scale.{field}"
        if not value:
            if needed:
                yield required(where)
        elif "[" in value or not re.fullmatch(r"(\.[\w-]+)+", value):
            yield invalid_value(where, value, "must be a json path without the array notation")
        elif root and not value.startswith(root):
            yield invalid_value(where, value, f"should be a json path under {root[:-1]}")
        elif not root and not value.startswith((".spec.", ".status.")):
            yield invalid_value(where, value, "should be a json path under either .spec or .status")


def _column(path: str, column: Obj) -> Errors:
    if not column.get("name"):
        yield required(f"{path}.name")
    kind, form, place = column.get("type") or "", column.get("format") or "", column.get("jsonPath") or ""
    if not kind:
        yield required(f"{path}.type", f"must be one of {','.join(_COLUMN_TYPES)}")
    elif kind not in _COLUMN_TYPES:
        yield invalid_value(f"{path}.type", kind, f"must be one of {','.join(_COLUMN_TYPES)}")
    if form and form not in _COLUMN_FORMATS:
        yield invalid_value(f"{path}.format", form, f"must be one of {','.join(_COLUMN_FORMATS)}")
    if not place:
        yield required(f"{path}.jsonPath")
    elif not place.startswith(("$.", ".", "[")):
        yield invalid_value(f"{path}.jsonPath", place, "is an invalid json path")


def _selectable(path: str, fields: list[Obj] | None, schema: Obj) -> Errors:
    seen: set[str] = set()
    for where, field in each(path, fields):
        place = field.get("jsonPath") or ""
        if not place:
            yield required(f"{where}.jsonPath")
            continue
        if place in seen:
            yield duplicate(f"{where}.jsonPath", place)
            continue
        seen.add(place)
        found: Any = field_of(place, schema)
        if isinstance(found, str):
            yield invalid_value(f"{where}.jsonPath", place, found)
        elif found.get("type") not in _SCALARS:
            yield invalid_value(
                f"{where}.jsonPath",
                place,
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
            )


def _conversion(path: str, conversion: Obj) -> Errors:
    strategy, webhook = conversion.get("strategy") or "", conversion.get("webhook") or {}
    client, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    yield from one_of(f"{path}.strategy", strategy, ("None", "Webhook"))
    if strategy == "Webhook":
        if client is None:
            yield required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook")
        else:
            yield from check_client(f"{path}.webhookClientConfig", client)
        yield from check_reviews(f"{path}.conversionReviewVersions", versions, "")
    else:
        if client is not None:
            yield forbidden_value(f"{path}.webhookClientConfig", _NOT_WEBHOOK)
        if versions:
            yield forbidden_value(f"{path}.conversionReviewVersions", _NOT_WEBHOOK)


def _stored(obj: Obj) -> Errors:
    stored = (obj.get("status") or {}).get("storedVersions") or []
    if not stored:
        yield invalid_value("status.storedVersions", None, "must have at least one stored version")
    known = {v.get("name") for v in obj["spec"].get("versions") or []}
    for path, version in each("status.storedVersions", stored):
        if version not in known:
            text = (
                f"missing from spec.versions; {version} was previously a storage version, and must remain in spec.versions until a storage "
                f"migration ensures no data remains persisted in {version} and removes {version} from status.storedVersions"
            )
            yield invalid_value(path, version, text)


KIND = Kind(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate=validate,
    status=True,
    unconditional_update=False,
    going=going,
)
