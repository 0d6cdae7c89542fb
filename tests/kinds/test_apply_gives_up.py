"""What an apply gives up stays where somebody else owns it."""

from datetime import UTC, datetime

from kk.base.patch import apply
from kk.kinds import schema

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NODE = schema.node("io.k8s.api.core.v1.Namespace")


def entry(manager, operation, labels):
    fields = {"f:metadata": {"f:labels": labels}}
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def given_up(*entries):
    live = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "n", "labels": {"a": "1", "x": "1"}, "managedFields": list(entries)},
    }
    config = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    return apply.apply(live, config, NODE, "alice", api_version="v1", now=NOW)["metadata"].get("labels")


def test_the_labels_of_an_updater_stay():
    updater = entry("bob", "Update", {".": {}, "f:a": {}})
    assert given_up(updater, entry("alice", "Apply", {"f:x": {}})) == {"a": "1"}


def test_what_is_owned_together_stays():
    updater = entry("bob", "Update", {".": {}, "f:a": {}, "f:x": {}})
    assert given_up(updater, entry("alice", "Apply", {"f:x": {}})) == {"a": "1", "x": "1"}


def test_what_nobody_else_owns_goes():
    assert given_up(entry("alice", "Apply", {"f:a": {}, "f:x": {}})) is None
