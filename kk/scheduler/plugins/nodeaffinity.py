"""NodeAffinity: nodeSelector, and required and preferred node affinity."""

from typing import Any

from kk.base.selectors import parse_labels
from kk.scheduler.framework import Failure, NodeInfo, Plugin, PodInfo

REFUSED = Failure(("node(s) didn't match Pod's node affinity/selector",))


def check(pod: PodInfo, node: NodeInfo) -> Failure | None:
    """Every pair of nodeSelector and one term of the required affinity must hold."""
    selector = pod.pod["spec"].get("nodeSelector") or {}
    if any(node.labels.get(k) != v for k, v in selector.items()):
        return REFUSED
    required = _affinity(pod).get("requiredDuringSchedulingIgnoredDuringExecution")
    if required and not any(matches(term, node) for term in required.get("nodeSelectorTerms") or ()):
        return REFUSED
    return None


def score(pod: PodInfo, node: NodeInfo) -> float:
    """Sum of the weights of preferred terms that hold."""
    preferred = _affinity(pod).get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    return sum(p.get("weight", 0) for p in preferred if matches(p.get("preference") or {}, node))


def matches(term: dict[str, Any], node: NodeInfo) -> bool:
    """One NodeSelectorTerm; an empty one matches nothing. Source: k8s.io/component-helpers `nodeaffinity.go`."""
    labels, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not labels and not fields:
        return False
    return all(_holds(e, node.labels) for e in labels) and all(_holds(e, {"metadata.name": node.name}) for e in fields)


def _holds(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    key, operator, values = expression.get("key", ""), expression.get("operator"), expression.get("values") or []
    present = key in labels
    if operator == "In":
        return present and labels[key] in values
    if operator == "NotIn":
        return not present or labels[key] not in values
    if operator == "Exists":
        return present
    if operator == "DoesNotExist":
        return not present
    if operator in ("Gt", "Lt") and len(values) == 1 and present:
        sign = ">" if operator == "Gt" else "<"
        try:
            return parse_labels(f"{key}{sign}{values[0]}").matches(labels)
        except ValueError:
            return False
    return False


def _affinity(pod: PodInfo) -> dict[str, Any]:
    return (pod.pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}


def _concerns(pod: PodInfo) -> bool:
    return bool(pod.pod["spec"].get("nodeSelector") or _affinity(pod))


PLUGIN = Plugin(
    "NodeAffinity",
    4,
    filter=check,
    score=score,
    weight=2,
    normalize="max",
    concerns=_concerns,
    concerns_score=_concerns,
)
