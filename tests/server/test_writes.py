"""Creates, updates, patches and deletes over HTTP, as clients see them."""

import pytest

from tests.server.conftest import Space, config_map


def test_create_sets_what_only_the_server_sets(ns: Space) -> None:
    status, obj = ns("POST", "configmaps", config_map("a", uid="mine", generation=7))
    assert status == 201
    metadata = obj["metadata"]
    assert metadata["uid"] != "mine"
    assert metadata["namespace"] == ns.name
    assert int(metadata["resourceVersion"]) > 0
    assert metadata["managedFields"][0]["fieldsV1"] == {"f:data": {".": {}, "f:k": {}}}
    status, again = ns("POST", "configmaps", config_map("a"))
    assert (status, again["reason"]) == (409, "AlreadyExists")


def test_generated_names_are_unique(ns: Space) -> None:
    body = {"metadata": {"generateName": "g-"}}
    made = {ns("POST", "configmaps", body)[1]["metadata"]["name"] for _ in range(5)}
    assert len(made) == 5
    assert all(name.startswith("g-") and len(name) == 7 for name in made)


def test_stale_updates_are_refused_and_unchanged_ones_keep_their_version(ns: Space) -> None:
    _, first = ns("POST", "configmaps", config_map("a"))
    status, same = ns("PUT", "configmaps/a", first)
    assert (status, same["metadata"]["resourceVersion"]) == (200, first["metadata"]["resourceVersion"])
    status, second = ns("PUT", "configmaps/a", config_map("a", {"k": "w"}))
    assert status == 200
    status, refused = ns("PUT", "configmaps/a", {**first, "data": {"k": "x"}})
    assert (status, refused["reason"]) == (409, "Conflict")
    assert "the object has been modified" in refused["message"]
    assert ns("GET", "configmaps/a")[1] == second


@pytest.mark.parametrize(
    ("kind", "body", "data"),
    [
        ("merge-patch+json", {"data": {"k": None, "z": "1"}}, {"z": "1"}),
        ("strategic-merge-patch+json", {"data": {"z": "1"}}, {"k": "v", "z": "1"}),
        ("json-patch+json", [{"op": "replace", "path": "/data/k", "value": "w"}], {"k": "w"}),
        (
            "apply-patch+yaml?fieldManager=m",
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"z": "1"}},
            {"k": "v", "z": "1"},
        ),
    ],
)
def test_the_four_patches(ns: Space, kind: str, body: object, data: dict[str, str]) -> None:
    ns("POST", "configmaps", config_map("a"))
    media, _, query = kind.partition("?")
    if isinstance(body, dict) and query:
        body["metadata"] = {"name": "a"}
    status, obj = ns.patch(f"configmaps/a?{query}", body, media)
    assert (status, obj.get("data")) == (200, data)


def test_dry_run_changes_nothing(ns: Space) -> None:
    status, obj = ns("POST", "configmaps?dryRun=All", config_map("a"))
    assert status == 201
    assert "resourceVersion" not in obj["metadata"]
    assert ns("GET", "configmaps/a")[0] == 404


def test_unknown_fields_by_field_validation(ns: Space) -> None:
    body = {**config_map("a"), "dta": {}}
    status, refused = ns("POST", "configmaps?fieldValidation=Strict", body)
    assert status == 400
    assert 'unknown field "dta"' in refused["message"]
    status, headers, _ = ns.api.raw("POST", ns.where("configmaps"), body)
    assert status == 201
    assert 'unknown field \\"dta\\"' in headers["warning"]


def test_finalizers_hold_an_object(ns: Space) -> None:
    ns("POST", "configmaps", config_map("a", finalizers=["example.com/f"]))
    status, obj = ns("DELETE", "configmaps/a")
    assert status == 200
    assert obj["metadata"]["deletionTimestamp"]
    assert ns("GET", "configmaps/a")[0] == 200
    assert ns.patch("configmaps/a", {"metadata": {"finalizers": None}})[0] == 200
    assert ns("GET", "configmaps/a")[0] == 404


def test_propagation_policies_become_finalizers(ns: Space) -> None:
    for policy, finalizer in (("Orphan", "orphan"), ("Foreground", "foregroundDeletion")):
        name = policy.lower()
        ns("POST", "configmaps", config_map(name))
        status, obj = ns("DELETE", f"configmaps/{name}", {"propagationPolicy": policy})
        assert (status, obj["metadata"]["finalizers"]) == (200, [finalizer])


def test_preconditions(ns: Space) -> None:
    _, obj = ns("POST", "configmaps", config_map("a"))
    assert ns("DELETE", "configmaps/a", {"preconditions": {"uid": "other"}})[0] == 409
    assert ns("DELETE", "configmaps/a", {"preconditions": {"uid": obj["metadata"]["uid"]}})[0] == 200


def test_deletecollection_takes_selectors(ns: Space) -> None:
    for name in ("a", "b", "c"):
        ns("POST", "configmaps", config_map(name, labels={"keep": str(name == "c").lower()}))
    status, _ = ns("DELETE", "configmaps?labelSelector=keep%3Dfalse")
    assert status == 200
    _, left = ns("GET", "configmaps")
    assert [o["metadata"]["name"] for o in left["items"]] == ["c"]


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", 400), (b"[" * 50_000, 400), (b"{" * 50_000, 400), (b'"' + b"x" * 3_300_000 + b'"', 413)]
)
def test_bodies_that_are_no_objects(ns: Space, body: bytes, code: int) -> None:
    status, _, _ = ns.api.raw("POST", ns.where("configmaps"), body)
    assert status == code


def test_services_get_addresses_and_ports_of_their_own(ns: Space) -> None:
    found = set()
    for name in ("a", "b"):
        spec = {"type": "NodePort", "ports": [{"port": 80}]}
        status, obj = ns("POST", "services", {"metadata": {"name": name}, "spec": spec})
        assert status == 201, obj
        assert obj["spec"]["clusterIP"].startswith("10.")
        assert 30000 <= obj["spec"]["ports"][0]["nodePort"] <= 32767
        found |= {obj["spec"]["clusterIP"], obj["spec"]["ports"][0]["nodePort"]}
    assert len(found) == 4
    taken = {"metadata": {"name": "c"}, "spec": {"ports": [{"port": 80}], "clusterIP": obj["spec"]["clusterIP"]}}
    status, refused = ns("POST", "services", taken)
    assert status == 422
    assert "provided IP is already allocated" in refused["message"]
    assert ns("DELETE", "services/b")[0] == 200
    assert ns("POST", "services", taken)[0] == 201


def test_scale_reads_and_writes_replicas(ns: Space) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    ns("POST", "apps/v1:deployments", {"metadata": {"name": "d"}, "spec": spec})
    status, scale = ns("GET", "apps/v1:deployments/d/scale")
    assert (status, scale["spec"], scale["status"]) == (200, {"replicas": 1}, {"replicas": 0, "selector": "a=b"})
    scale["spec"]["replicas"] = 3
    assert ns("PUT", "apps/v1:deployments/d/scale", scale)[1]["spec"] == {"replicas": 3}
    _, obj = ns("GET", "apps/v1:deployments/d")
    assert (obj["spec"]["replicas"], obj["metadata"]["generation"]) == (3, 2)
    status, obj = ns.patch("apps/v1:deployments/d/status", {"spec": {"replicas": 9}, "status": {"replicas": 2}})
    assert (status, obj["spec"]["replicas"], obj["status"]["replicas"]) == (200, 3, 2)


def test_yaml_that_unfolds_without_end_is_refused(ns: Space) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    body = "\n".join(lines).encode()
    status, _, data = ns.api.raw("POST", ns.where("configmaps"), body, {"Content-Type": "application/yaml"})
    assert status == 400
    assert b"excessive aliasing" in data
