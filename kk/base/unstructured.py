"""What Go's conversion of untyped JSON into a type says where a value does not fit: the words of faults of strategic patches and of apply.

The rules are those of k8s.io/apimachinery `pkg/runtime/converter.go`. Only the fault is found here; values that bring a decoder of their
own (times, quantities, numbers-or-strings) are left to the one who reads them.
"""

from typing import Any

from kk.base.schema import Node

#: string fields that are of a named type, by definition and field
_NAMED = {
    ("Container", "imagePullPolicy"): "v1.PullPolicy",
    ("Container", "terminationMessagePolicy"): "v1.TerminationMessagePolicy",
    ("ContainerPort", "protocol"): "v1.Protocol",
    ("DeploymentStrategy", "type"): "v1.DeploymentStrategyType",
    ("EndpointPort", "protocol"): "v1.Protocol",
    ("NetworkPolicyPort", "protocol"): "v1.Protocol",
    ("ObjectMeta", "uid"): "types.UID",
    ("OwnerReference", "uid"): "types.UID",
    ("PersistentVolumeSpec", "persistentVolumeReclaimPolicy"): "v1.PersistentVolumeReclaimPolicy",
    ("PodSpec", "dnsPolicy"): "v1.DNSPolicy",
    ("PodSpec", "restartPolicy"): "v1.RestartPolicy",
    ("Secret", "type"): "v1.SecretType",
    ("ServicePort", "protocol"): "v1.Protocol",
    ("ServiceSpec", "externalTrafficPolicy"): "v1.ServiceExternalTrafficPolicy",
    ("ServiceSpec", "sessionAffinity"): "v1.ServiceAffinity",
    ("ServiceSpec", "type"): "v1.ServiceType",
    ("StatefulSetSpec", "podManagementPolicy"): "v1.PodManagementPolicyType",
    ("Taint", "effect"): "v1.TaintEffect",
    ("Toleration", "effect"): "v1.TaintEffect",
    ("Toleration", "operator"): "v1.TolerationOperator",
}


def fault(value: Any, node: Node, named: str = "") -> str | None:
    """What is said about the first value that is not of its type; None where all are. `named` is the name of a string's type."""
    if value is None or node.type in ("any", "quantity", "int-or-string", "time", "micro-time"):
        return None
    if node.type == "object":
        return _fields(value, node)
    if node.type == "map":
        if not isinstance(value, dict):
            return f"cannot restore map from {kind(value)}"
        return next((text for key in sorted(value) if (text := fault(value[key], node.items))), None)
    if node.type == "list":
        if not isinstance(value, list):
            return f"cannot restore slice from {kind(value)}"
        return next((text for item in value if (text := fault(item, node.items))), None)
    if node.type == "bytes":
        return None if isinstance(value, str) else f"cannot restore slice from {kind(value)}"
    return _scalar(value, node, named)


def _fields(value: Any, node: Node) -> str | None:
    if not isinstance(value, dict):
        return f"cannot restore struct from: {kind(value)}"
    definition = node.name.rpartition(".")[2]
    for key, child in node.fields.items():
        if key in value and (text := fault(value[key], child, _NAMED.get((definition, key), ""))):
            return text
    return None


def _scalar(value: Any, node: Node, named: str) -> str | None:
    given = kind(value)
    if node.type == "string":
        if given == "int64":  # Go can turn a number into a character, and so says something else than of other values
            return f"cannot convert int64 to {named or 'string'}"
        return None if given == "string" else "unrecognized type: string"
    if node.type == "boolean":
        return None if given == "bool" else "unrecognized type: bool"
    whole = node.type == "integer"
    wanted = (node.format if node.format in ("int32", "int64") else "int64") if whole else "float64"
    if given not in ("int64", "float64"):
        return f"unrecognized type: {wanted}"
    if whole and given == "float64" and value != int(value):
        return f"cannot convert float64 to {wanted}"
    return None


def kind(value: Any) -> str:
    """What Go calls the kind of a JSON value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64"
    if isinstance(value, float):
        return "float64"
    if isinstance(value, str):
        return "string"
    return "slice" if isinstance(value, list) else "map"
