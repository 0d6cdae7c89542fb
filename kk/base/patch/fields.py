"""Sets of fields, as managedFields holds them, and what differs between two objects as such sets.

A set is a dict in the form of FieldsV1: each key names a step (`f:name` a field, `k:{...}` an item by its keys, `v:...` a value of
a set), an empty dict is a member, and `"."` makes a step with children a member too. The walks follow structured-merge-diff
(`typed/compare.go`, `typed/tofieldset.go`); who owns what is kk.base.patch.managers.
"""

import json
from collections.abc import Iterator
from typing import Any

from kk.base.schema import ANY, Node

Set = dict[str, Any]

_LEAF: Set = {}
_DOT = "."
_STRUCTURED = ("object", "map", "any")

#: fields that upstream's Go types always hold (structs, lists and numbers that are no pointers and not omitted when empty), by the definition
#: that holds them: a new object has them before anybody sets them, so that nobody comes to own them as a whole
ALWAYS: dict[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "apps.v1.DaemonSetSpec": "template updateStrategy",
        "apps.v1.DeploymentSpec": "template strategy",
        "apps.v1.ReplicaSetSpec": "template",
        "apps.v1.StatefulSetSpec": "template updateStrategy",
        "autoscaling.v1.HorizontalPodAutoscalerSpec": "scaleTargetRef",
        "autoscaling.v2.HorizontalPodAutoscalerSpec": "scaleTargetRef",
        "batch.v1.CronJobSpec": "jobTemplate",
        "batch.v1.JobSpec": "template",
        "batch.v1.JobTemplateSpec": "metadata spec",
        "core.v1.IngressSpec": "",
        "core.v1.NodeStatus": "daemonEndpoints nodeInfo",
        "core.v1.NodeDaemonEndpoints": "kubeletEndpoint",
        "core.v1.PersistentVolumeClaimSpec": "resources",
        "core.v1.PodSpec": "containers",
        "core.v1.PodTemplate": "template",
        "core.v1.PodTemplateSpec": "metadata spec",
        "core.v1.ServiceStatus": "loadBalancer",
        "core.v1.LimitRangeSpec": "limits",
        "discovery.v1.EndpointSlice": "endpoints ports",
        "flowcontrol.v1.FlowSchemaSpec": "priorityLevelConfiguration",
        "networking.v1.NetworkPolicySpec": "podSelector",
        "rbac.v1.ClusterRole": "rules",
        "rbac.v1.Role": "rules",
        "scheduling.v1.PriorityClass": "value",
        "networking.v1.IngressStatus": "loadBalancer",
        "resource.v1.ResourceClaimSpec": "devices",
        "resource.v1.ResourceClaimTemplateSpec": "metadata spec",
        "resource.v1.ResourceSliceSpec": "pool",
        "storage.v1.CSINodeSpec": "drivers",
        "storage.v1.VolumeAttachmentSpec": "source",
        "apiextensions.v1.CustomResourceDefinitionSpec": "names",
        "apiextensions.v1.CustomResourceDefinitionStatus": "acceptedNames",
    }.items()
}
_ROOT = frozenset(("metadata", "spec", "status"))
_always: dict[str, frozenset[str]] = {}


def present(node: Node) -> frozenset[str]:
    """The fields that an object of this type always has."""
    name = node.name
    found = _always.get(name)
    if found is None:
        short = ".".join(name.split(".")[-3:])
        found = ALWAYS.get(short, frozenset())
        if name.startswith("io.k8s.") and "kind" in node.fields and "metadata" in node.fields:
            found = found | _ROOT
        _always[name] = found
    return found


# ---- steps of lists ----


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def item_key(item: Any, node: Node, index: int) -> str:
    """The step that names an item of a list. Raises ValueError, in upstream's words, for an item that has none."""
    if node.list_type == "set":
        if isinstance(item, str):
            return 'v:"' + item + '"' if item.isalnum() else "v:" + _json(item)
        if item is None:
            raise ValueError(f"element {index}: set items may not be null")
        return "v:" + _json(item)
    keys = node.map_keys
    if not isinstance(item, dict):
        what = "a null element" if item is None else "non-map elements"
        raise ValueError(f"element {index}: associative list with keys may not have {what}")
    if len(keys) == 1:
        value = item.get(keys[0])
        if isinstance(value, str) and value.isalnum():
            return f'k:{{"{keys[0]}":"{value}"}}'
    found = {}
    for key in keys:
        value = item.get(key)
        if value is None:
            value = _key_default(node.items, key)
        if value is not None:
            found[key] = value
    if not found:
        names = ", ".join(f'"{k}"' for k in keys)
        raise ValueError(
            f"element {index}: associative list with keys has an element that omits all key fields [{names}] "
            "(and doesn't have default values for any key fields)"
        )
    return "k:" + _json(found)


def _key_default(item: Node, key: str) -> Any:
    """What stands for a key that an item leaves out; built-in types have their zero value where no other default is told."""
    field = item.fields.get(key)
    if field is None or field.default is not None or not item.name.startswith("io.k8s."):
        return field.default if field is not None else None
    return {"string": "", "integer": 0}.get(field.type)


def _items(values: list[Any], node: Node) -> dict[str, list[Any]]:
    """Items by their step, in order; a step twice holds both."""
    out: dict[str, list[Any]] = {}
    for index, item in enumerate(values):
        try:
            step = item_key(item, node, index)
        except ValueError:
            step = f"i:{index}"
        out.setdefault(step, []).append(item)
    return out


def granular(node: Node) -> bool:
    """Whether a list has items that are owned one by one."""
    return node.list_type != "atomic"


# ---- the fields of an object ----


def fields_of(value: Any, node: Node) -> Set:
    """The fields that an applied configuration holds (ToFieldSet)."""
    kind = node.type
    if isinstance(value, dict) and kind in _STRUCTURED and not node.atomic:
        fields = node.fields if kind == "object" else {}
        out: Set = {}
        for key, inner in value.items():
            child = fields.get(key)
            known = child is not None
            if child is None:
                child = node.items if kind == "map" else ANY
            below = _below(inner, child)
            if below is None or inner is None or inner == {}:
                out["f:" + key] = {}
            elif not known and kind != "any" or kind == "any":
                out["f:" + key] = {_DOT: {}, **below} if below else {}
            elif below:
                out["f:" + key] = below
        return out
    if isinstance(value, list) and kind == "list" and granular(node):
        out = {}
        for step, found in _items(value, node).items():
            below = _below(found[0], node.items) if len(found) == 1 else None
            out[step] = {_DOT: {}, **below} if below else {}
        return out
    return {}


def _below(value: Any, node: Node) -> Set | None:
    """The fields inside a value; None where it is owned as a whole."""
    if isinstance(value, dict) and node.type in _STRUCTURED and not node.atomic:
        return fields_of(value, node)
    if isinstance(value, list) and node.type == "list" and granular(node):
        return fields_of(value, node)
    if value is None and (node.type in ("object", "map") and not node.atomic or node.type == "list" and granular(node)):
        return {}
    return None


# ---- what differs ----


def whole(value: Any, node: Node) -> Set:
    """The fields of a value that is there on one side only: everything inside, and itself."""
    kind = node.type
    if not value or node.atomic:
        return {}
    if isinstance(value, dict):
        if kind == "object":
            fields = node.fields
            out: Set = {_DOT: _LEAF}
            for key, inner in value.items():
                if inner and type(inner) in (dict, list):
                    child = fields.get(key) or node.child(key)
                    out["f:" + key] = whole(inner, child) if child is not None else {}
                else:
                    out["f:" + key] = {}
            return out
        if kind == "map":
            child = node.items
            if child.type in ("object", "map", "list", "any"):
                return {_DOT: _LEAF, **{"f:" + key: whole(inner, child) for key, inner in value.items()}}
            return {_DOT: _LEAF, **{"f:" + key: {} for key in value}}
        if kind == "any":
            return {_DOT: _LEAF, **{"f:" + key: whole(inner, ANY) for key, inner in value.items()}}
        return {}
    if isinstance(value, list) and kind == "list" and node.list_type != "atomic":
        out = {_DOT: _LEAF}
        for step, found in _items(value, node).items():
            out[step] = whole(found[0], node.items) if len(found) == 1 else {}
        return out
    return {}


def compare(old: Any, new: Any, node: Node) -> tuple[Set, Set]:
    """(fields set or changed by `new`, fields that `new` no longer has); both objects are of the type `node`."""
    changed: Set = {}
    removed: Set = {}
    _compare_maps(old, new, node, changed, removed)
    return changed, removed


def _compare_maps(old: dict[str, Any], new: dict[str, Any], node: Node, changed: Set, removed: Set) -> None:
    fields = node.fields if node.type == "object" else None
    always: frozenset[str] = present(node) if fields is not None else frozenset()
    for key, value in new.items():
        before = old.get(key, _MISSING)
        if before is not _MISSING and (before is value or (before == value and type(before) is type(value))):
            continue
        child = fields.get(key, ANY) if fields is not None else node.items
        if before is _MISSING and key in always:
            before = None
            if not value:
                continue
        _compare("f:" + key, before, value, child, changed, removed)
    for key, before in old.items():
        if key not in new:
            child = fields.get(key, ANY) if fields is not None else node.items
            if key not in always:
                removed["f:" + key] = whole(before, child)
            elif before:
                _compare("f:" + key, before, None, child, changed, removed)


_MISSING = object()


def _compare(step: str, old: Any, new: Any, node: Node, changed: Set, removed: Set) -> None:
    """Puts what differs at one step into the two sets; _MISSING is no value at all, None a null."""
    if old is _MISSING:
        changed[step] = whole(new, node)
        return
    kind = node.type
    if kind in _STRUCTURED and not node.atomic and _both(old, new, dict):
        inner, gone = {}, {}  # type: tuple[Set, Set]
        _compare_maps(old or {}, new or {}, node, inner, gone)
    elif kind == "list" and node.list_type != "atomic" and _both(old, new, list):
        inner, gone = {}, {}
        _compare_lists(old or [], new or [], node, inner, gone)
    else:
        if old != new or type(old) is not type(new):
            changed[step] = {}
        return
    if inner:
        changed[step] = inner
    if gone:
        removed[step] = gone


def _both(old: Any, new: Any, kind: type) -> bool:
    """Whether two values are maps (or lists), where one may be null, and not both empty (which makes a leaf)."""
    return isinstance(old, (kind, type(None))) and isinstance(new, (kind, type(None))) and bool(old or new)


def _compare_lists(old: list[Any], new: list[Any], node: Node, changed: Set, removed: Set) -> None:
    before, after, child = _items(old, node), _items(new, node), node.items
    for step, values in after.items():
        was = before.get(step, ())
        if len(values) == 1 and len(was) == 1:
            if was[0] != values[0]:
                _compare(step, was[0], values[0], child, changed, removed)
        elif len(values) == 1:
            changed[step] = whole(values[0], child)
            if len(was) > 1:
                removed[step] = {}
        elif len(was) < 2:
            changed[step] = {}
            if was:
                removed[step] = whole(was[0], child)
        elif list(was) != values:
            changed[step] = {}
    for step, was in before.items():
        if step not in after:
            removed[step] = whole(was[0], child) if len(was) == 1 else {}


# ---- arithmetic ----


def union(left: Set, right: Set) -> Set:
    """The members of either."""
    if not right:
        return left
    if not left:
        return right
    out = dict(left)
    for step, inner in right.items():
        mine = out.get(step)
        if mine is None:
            out[step] = inner
        elif step != _DOT and (mine or inner):
            out[step] = union(mine or {_DOT: {}}, inner or {_DOT: {}})
            if len(out[step]) == 1 and _DOT in out[step]:
                out[step] = {}
    return out


def difference(left: Set, right: Set) -> Set:
    """The members of `left` that are none of `right`; `left` itself where that takes nothing away."""
    out: Set | None = None
    for step, inner in left.items():
        other = right.get(step) if step != _DOT else None
        if other is None:
            continue
        kept = _node(_is_member(inner) and not _is_member(other), difference(_children(inner), _children(other)))
        if kept == inner:
            continue
        if out is None:
            out = dict(left)
        if kept is None:
            del out[step]
        else:
            out[step] = kept
    return left if out is None else out


def intersection(left: Set, right: Set) -> Set:
    """The members of both."""
    out: Set = {}
    for step, inner in left.items():
        other = right.get(step) if step != _DOT else None
        if other is None:
            continue
        kept = _node(_is_member(inner) and _is_member(other), intersection(_children(inner), _children(other)))
        if kept is not None:
            out[step] = kept
    return out


def without(left: Set, paths: Set) -> Set:
    """`left` without the members of `paths` and everything below them."""
    out: Set | None = None
    for step, inner in left.items():
        other = paths.get(step) if step != _DOT else None
        if other is None:
            continue
        if out is None:
            out = dict(left)
        kept = None if _is_member(other) else _node(_is_member(inner), without(_children(inner), other))
        if kept is None:
            del out[step]
        else:
            out[step] = kept
    return left if out is None else out


def _is_member(inner: Set) -> bool:
    return not inner or _DOT in inner


def _children(inner: Set) -> Set:
    return {k: v for k, v in inner.items() if k != _DOT} if _DOT in inner else inner


def _node(member: bool, children: Set) -> Set | None:
    if children:
        return {_DOT: {}, **children} if member else children
    return {} if member else None


def with_named(fields: Set, node: Node) -> Set:
    """The set with every named field on the way as a member too (EnsureNamedFieldsAreMembers)."""
    out: Set = {}
    for step, inner in fields.items():
        if step == _DOT:
            out[step] = inner
            continue
        child = descend(node, step)
        below = with_named(_children(inner), child) if inner else {}
        named = step.startswith("f:") and node.type == "object" and step[2:] in node.fields
        out[step] = _node(_is_member(inner) or (named and bool(below)), below) or {}
    return out


def descend(node: Node, step: str) -> Node:
    """The type below a step."""
    if step.startswith("f:"):
        return node.child(step[2:]) or ANY
    return node.items if node.type == "list" else ANY


def ordered(fields: Set) -> Set:
    """The set in the order in which it is written: `.` first, then by step."""
    return {step: ordered(fields[step]) if fields[step] else fields[step] for step in sorted(fields)}


# ---- paths ----


def members(fields: Set, prefix: str = "") -> Iterator[str]:
    """The paths of all members, as messages show them: `.spec.ports[port=80,protocol="TCP"].name`."""
    for step, inner in sorted(fields.items()):
        if step == _DOT:
            continue
        path = prefix + show_step(step)
        if _is_member(inner):
            yield path
        yield from members(inner, path)


def valid(fields: Any) -> bool:
    """Whether this is a set as the wire form allows it."""
    return isinstance(fields, dict) and all(_valid_step(step) and valid(inner) for step, inner in fields.items())


def _valid_step(step: str) -> bool:
    kind, colon, rest = step.partition(":")
    if step == _DOT or (kind == "f" and colon):
        return True
    try:
        if kind == "k":
            return isinstance(json.loads(rest), dict)
        if kind == "i":
            return int(rest) is not None
        json.loads(rest)
        return kind == "v"
    except (ValueError, RecursionError):
        return False


def show_step(step: str) -> str:
    """One step as messages show it."""
    kind, _, rest = step.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "v":
        return f"[={rest}]"
    if kind == "k":
        keys = json.loads(rest)
        return "[" + ",".join(f"{k}={_json(v)}" for k, v in keys.items()) + "]"
    return f"[{rest}]"
