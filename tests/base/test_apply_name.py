"""A name is never pruned: an applier that owned all of metadata and lets go of its annotations keeps the object's name."""

from datetime import UTC, datetime

from kk.base.patch.apply import apply
from kk.base.schema import Node

STRING = Node("string")
META = Node("object", fields={"name": STRING, "annotations": Node("map", items=STRING), "managedFields": Node("any")})
NODE = Node(
    "object", fields={"apiVersion": STRING, "kind": STRING, "metadata": META, "data": Node("map", items=STRING)}
)
NOW = datetime(2024, 1, 1, tzinfo=UTC)


def test_letting_go_of_annotations_keeps_the_name():
    owned = {"f:metadata": {"f:annotations": {".": {}, "f:a": {}}}, "f:data": {".": {}, "f:k": {}}}
    entry = {"manager": "me", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": owned}
    live = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "one", "annotations": {"a": "b"}, "managedFields": [entry]},
        "data": {"k": "v"},
    }
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"k": "v"}}
    found = apply(live, wanted, NODE, "me", api_version="v1", now=NOW)
    assert found["metadata"]["name"] == "one"
    assert "annotations" not in found["metadata"]
    assert found["data"] == {"k": "v"}
