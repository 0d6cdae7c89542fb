"""ReplicationController: the ReplicaSet's elder, with a plain map as its selector. The decisions are _replicas.py's."""

from kk.base.selectors import LabelSelector, from_map
from kk.control.controller import Controller, Obj, Watch, own_key, owner_key
from kk.control.controllers._replica_controller import reconciler


def selector_of(rc: Obj) -> LabelSelector:
    """spec.selector, a map."""
    return from_map(rc["spec"].get("selector"))


CONTROLLER = Controller(
    "replicationcontroller-controller",
    reconciler("v1", "replicationcontrollers", selector_of),
    watches=(
        Watch("v1", "replicationcontrollers", own_key),
        Watch("v1", "pods", owner_key("ReplicationController")),
    ),
)
