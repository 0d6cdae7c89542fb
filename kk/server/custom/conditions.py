"""Which names a definition gets, and what its status says: NamesAccepted, Established, KubernetesAPIApprovalPolicyConformant, Terminating.

Pure. The rules and words are those of k8s.io/apiextensions-apiserver `pkg/controller/{status,establish,apiapproval,finalizer}`. The condition
NonStructuralSchema does not occur: version v1 takes structural schemas only.
"""

from collections.abc import Iterable
from typing import Any

from kk.kinds.customresourcedefinition import approval, protected

Obj = dict[str, Any]
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
_APPROVAL = "KubernetesAPIApprovalPolicyConformant"


def find(obj: Obj, kind: str) -> Obj:
    """A condition by type, {} where it is not there."""
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind:
            return dict(condition)
    return {}


def is_true(obj: Obj, kind: str) -> bool:
    """Whether a condition holds."""
    return find(obj, kind).get("status") == "True"


def put(status: Obj, kind: str, value: str, reason: str, message: str, now: str) -> None:
    """Set a condition; its time changes with its status only."""
    conditions = list(status.get("conditions") or ())
    made = {"type": kind, "status": value, "lastTransitionTime": now, "reason": reason, "message": message}
    for at, condition in enumerate(conditions):
        if condition.get("type") == kind:
            if condition.get("status") == value:
                made["lastTransitionTime"] = condition.get("lastTransitionTime") or now
            conditions[at] = {**condition, **made}
            break
    else:
        conditions.append(made)
    status["conditions"] = conditions


def settled(crd: Obj, others: Iterable[Obj], now: str) -> Obj:
    """The status that a definition shall have beside the others of its group; equal to its own where all is said."""
    status = {**(crd.get("status") or {})}
    names = _accepted(crd, list(others), status, now)
    status["acceptedNames"] = names
    if is_true({"status": status}, "NamesAccepted"):
        if not is_true(crd, "Established"):
            put(status, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", now)
    elif not find(crd, "Established"):
        put(status, "Established", "False", "NotAccepted", "not all names are accepted", now)
    _approve(crd, status, now)
    return status


def _used(others: list[Obj]) -> tuple[set[str], set[str]]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        names = (other.get("status") or {}).get("acceptedNames") or {}
        resources |= {names.get("plural") or "", names.get("singular") or "", *(names.get("shortNames") or ())}
        kinds |= {names.get("kind") or "", names.get("listKind") or ""}
    return resources - {""}, kinds - {""}


def _accepted(crd: Obj, others: list[Obj], status: Obj, now: str) -> Obj:
    """acceptedNames, and the condition that tells of them."""
    resources, kinds = _used(others)
    wanted = crd["spec"].get("names") or {}
    had = status.get("acceptedNames") or {}
    names = {**had}
    fault = ("", "")
    for key, used, reason in (
        ("plural", resources, "PluralConflict"),
        ("singular", resources, "SingularConflict"),
        ("shortNames", resources, "ShortNamesConflict"),
        ("kind", kinds, "KindConflict"),
        ("listKind", kinds, "ListKindConflict"),
    ):
        why = _clash(wanted.get(key), had.get(key), used)
        if why:
            fault = (reason, why)
        elif wanted.get(key):
            names[key] = wanted[key]
        else:
            names.pop(key, None)
    if wanted.get("categories"):
        names["categories"] = wanted["categories"]
    else:
        names.pop("categories", None)
    if fault[0]:
        put(status, "NamesAccepted", "False", fault[0], fault[1], now)
    else:
        put(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now)
    return _in_order(names)


def _in_order(names: Obj) -> Obj:
    order = ("plural", "singular", "shortNames", "kind", "listKind", "categories")
    return {"plural": "", "kind": "", **{key: names[key] for key in order if key in names}}


def _clash(wanted: Any, had: Any, used: set[str]) -> str:
    if isinstance(wanted, list):
        faults = [f'"{name}" is already in use' for name in wanted if name not in (had or ()) and name in used]
        return faults[0] if len(faults) == 1 else "[" + ", ".join(faults) + "]" if faults else ""
    return f'"{wanted}" is already in use' if wanted and wanted != had and wanted in used else ""


def _approve(crd: Obj, status: Obj, now: str) -> None:
    if not protected(crd["spec"].get("group") or ""):
        return
    state, why = approval(crd["metadata"].get("annotations") or {})
    reason = {
        "approved": "ApprovedAnnotation",
        "bypassed": "UnapprovedAnnotation",
        "invalid": "InvalidAnnotation",
        "missing": "MissingAnnotation",
    }[state]
    put(status, _APPROVAL, "True" if state == "approved" else "False", reason, why, now)
