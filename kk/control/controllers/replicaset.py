"""ReplicaSet: keep N pods of one template. The decisions are _replicas.py's."""

from kk.base.selectors import LabelSelector, from_label_selector
from kk.control.controller import Controller, Obj, Watch, own_key, owner_key
from kk.control.controllers._replica_controller import reconciler


def selector_of(rs: Obj) -> LabelSelector:
    """spec.selector, a LabelSelector."""
    return from_label_selector(rs["spec"].get("selector"))


CONTROLLER = Controller(
    "replicaset-controller",
    reconciler("apps/v1", "replicasets", selector_of),
    watches=(
        Watch("apps/v1", "replicasets", own_key),
        Watch("v1", "pods", owner_key("ReplicaSet")),
    ),
)
