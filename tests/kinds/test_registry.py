"""The registry: what is served, what discovery tells of it, and that nobody pays for kinds that nobody uses."""

import subprocess
import sys
import zlib

import pytest

from kk.kinds import schema
from kk.kinds.kind import Kind
from kk.kinds.registry import BuiltIn, kind_files, registry

SERVED = list(registry().resources.values())


def test_the_groups_stand_in_the_order_of_discovery_with_the_preferred_version_first() -> None:
    groups = registry().groups()
    assert [g for g, _ in groups][:3] == ["", "apiregistration.k8s.io", "apps"]
    assert dict(groups)["autoscaling"] == ["v2", "v1"]
    assert len(groups) == 21


@pytest.mark.parametrize("built", SERVED, ids=lambda r: f"{r.plural}.{r.group}/{r.version}")
def test_a_resource_has_a_strategy_a_type_and_its_subresources(built: BuiltIn) -> None:
    assert isinstance(built.strategy, Kind)
    assert built.schema.type == "object"
    assert "metadata" in built.schema.fields or built.verbs == ("create",)
    for name in built.subresources:
        assert built.details(name).verbs


def test_every_kind_file_is_of_a_served_kind() -> None:
    assert set(kind_files()) <= {r.kind.lower() for r in SERVED}


def test_names_do_not_clash_within_a_group() -> None:
    for group in {r.group for r in SERVED}:
        names = [n for r in SERVED if r.group == group and r.version != "v1beta1" for n in {r.plural, r.singular}]
        assert len(names) == len(set(names)) or group == "autoscaling"


def test_sub_resources_of_another_kind() -> None:
    pods = registry().get("", "v1", "pods")
    assert isinstance(pods, BuiltIn)
    eviction = pods.details("eviction")
    assert (eviction.group, eviction.version, eviction.kind, eviction.verbs) == (
        "policy",
        "v1",
        "Eviction",
        ("create",),
    )
    with pytest.raises(KeyError):
        pods.details("nothing")


def test_events_and_autoscalers_are_stored_once() -> None:
    events = registry().get("events.k8s.io", "v1", "events")
    autoscalers = registry().by_kind("autoscaling/v1", "HorizontalPodAutoscaler")
    assert events is not None and events.storage_version == "v1"
    assert autoscalers is not None and autoscalers.storage_version == "autoscaling/v2"
    assert events.strategy is registry().by_kind("v1", "Event").strategy  # type: ignore[union-attr]


def test_merge_keys_and_list_types_reach_the_nodes() -> None:
    pods = registry().get("", "v1", "pods")
    assert pods is not None
    containers = pods.schema.fields["spec"].fields["containers"]
    assert (containers.merge_key, containers.list_type, containers.map_keys) == ("name", "map", ("name",))
    ports = containers.items.fields["ports"]
    assert ports.map_keys == ("containerPort", "protocol")
    assert ports.items.fields["protocol"].default == "TCP"


def test_asking_for_the_registry_loads_no_kind() -> None:
    code = (
        "import sys; from kk.kinds.registry import registry; registry().get('', 'v1', 'pods').verbs;"
        "print([m for m in sys.modules if m in ('kk.kinds.pod', 'kk.kinds.types', 'kk.kinds.deployment')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_checked_in_data_is_what_the_generator_makes() -> None:
    pytest.importorskip("kubernetes_validate")
    from kk.kinds import generate

    known = generate.definitions()
    served = generate.resources(known)
    assert zlib.decompress((generate.DATA / "schema.bin").read_bytes()) == generate.encoded(known, served)
    assert len(schema.names()) > 400
