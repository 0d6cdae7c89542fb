"""Custom resources over HTTP: definitions come and go, objects in several versions, schemas that change."""

import json
import threading
from typing import Any

import pytest

from tests.server.custom.crds import PATH, condition, define, definition, undefine, until, version
from tests.server.https import Authority, Webhook
from tests.servers import APIServer

Obj = dict[str, Any]


def widget(api_version: str, name: str = "a", kind: str = "Widget", **spec: Any) -> Obj:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def test_a_definition_is_accepted_established_and_goes_with_its_objects(api: APIServer) -> None:
    made = define(api, definition("widgets", "life.example.com", shortNames=["wg"], categories=["all"]))
    assert made["status"]["acceptedNames"]["listKind"] == "WidgetList"
    assert made["status"]["storedVersions"] == ["v1"]
    path = "/apis/life.example.com/v1/namespaces/default/widgets"
    body = widget("life.example.com/v1", size=1)
    body["metadata"]["finalizers"] = ["example.com/hold"]
    assert api.request("POST", path, body)[0] == 201
    assert api.request("POST", path, widget("life.example.com/v1", "b"))[0] == 201
    assert api.request("DELETE", f"{PATH}/widgets.life.example.com")[0] == 200
    until(api, f"{path}/b", lambda status, _: status == 404)
    held = until(api, f"{path}/a", lambda _, obj: obj["metadata"].get("deletionTimestamp"))
    assert held["metadata"]["deletionGracePeriodSeconds"] == 0
    status, refused = api.request("POST", path, widget("life.example.com/v1", "c"))
    assert (status, refused["reason"]) == (403, "Forbidden")
    patch = {"Content-Type": "application/merge-patch+json"}
    assert api.request("PATCH", f"{path}/a", {"metadata": {"finalizers": None}}, patch)[0] == 200
    until(api, f"{PATH}/widgets.life.example.com", lambda status, _: status == 404)
    status, _, text = api.raw("GET", path)
    assert (status, text) == (404, b"404 page not found\n")


def test_names_that_are_taken_are_refused_until_they_are_free(api: APIServer) -> None:
    define(api, definition("gadgets", "clash.example.com", shortNames=["gd"]))
    other = definition("things", "clash.example.com", kind="Gadget", shortNames=["gd"])
    assert api.request("POST", PATH, other)[0] == 201
    name = f"{PATH}/things.clash.example.com"
    found = until(api, name, lambda _, obj: condition(obj, "NamesAccepted") == "False")
    reason = next(c for c in found["status"]["conditions"] if c["type"] == "NamesAccepted")
    assert (reason["reason"], reason["message"]) == ("ListKindConflict", '"GadgetList" is already in use')
    assert condition(found, "Established") == "False"
    undefine(api, "gadgets.clash.example.com")
    until(api, name, lambda _, obj: condition(obj, "Established") == "True")


def test_versions_are_one_object_without_conversion(api: APIServer) -> None:
    old = version("v1beta1", False, {"size": {"type": "integer"}, "old": {"type": "string"}}, deprecated=True)
    new = version("v1", True, {"size": {"type": "integer"}, "new": {"type": "string", "default": "n"}})
    define(api, definition("widgets", "two.example.com", new, old))
    path = "/apis/two.example.com/{}/namespaces/default/widgets"
    status, headers, _ = api.raw("POST", path.format("v1beta1"), widget("two.example.com/v1beta1", size=1, old="x"))
    assert (status, headers["warning"]) == (
        201,
        '299 - "two.example.com/v1beta1 Widget is deprecated; use two.example.com/v1 Widget"',
    )
    one = api.request("GET", path.format("v1") + "/a")[1]
    other = api.request("GET", path.format("v1beta1") + "/a")[1]
    assert (one["apiVersion"], one["spec"]) == ("two.example.com/v1", {"size": 1, "new": "n"})
    assert (other["apiVersion"], other["spec"]) == ("two.example.com/v1beta1", {"size": 1})
    assert one["metadata"]["resourceVersion"] == other["metadata"]["resourceVersion"]
    assert one["metadata"]["managedFields"][0]["apiVersion"] == "two.example.com/v1beta1"
    patch = {"Content-Type": "application/merge-patch+json"}
    status, changed = api.request("PATCH", path.format("v1beta1") + "/a", {"spec": {"size": 2}}, patch)
    assert (status, changed["spec"], changed["metadata"]["generation"]) == (200, {"size": 2}, 2)
    listed = api.request("GET", path.format("v1beta1"))[1]
    assert [i["apiVersion"] for i in listed["items"]] == ["two.example.com/v1beta1"]
    assert api.request("DELETE", path.format("v1beta1") + "/a")[0] == 200
    assert api.request("GET", path.format("v1") + "/a")[0] == 404


def _converting(body: Obj) -> tuple[int, Obj]:
    """A converter that calls v1's `size` v2's `length`."""
    request = body["request"]
    made = []
    for obj in request["objects"]:
        spec = dict(obj.get("spec") or {})
        there, back = ("size", "length") if request["desiredAPIVersion"].endswith("/v2") else ("length", "size")
        if there in spec:
            spec[back] = spec.pop(there)
        made.append({**obj, "apiVersion": request["desiredAPIVersion"], "spec": spec})
    answer = {"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": made}
    return 200, {"apiVersion": body["apiVersion"], "kind": body["kind"], "response": answer}


def test_a_webhook_converts(api: APIServer) -> None:
    refuse: list[str] = []

    def answer(body: Obj) -> tuple[int, Obj]:
        code, review = _converting(body)
        if refuse:
            review["response"]["result"] = {"status": "Failure", "message": refuse[0]}
        return code, review

    with Webhook(Authority(), answer) as hook:
        crd = definition(
            "widgets", "hook.example.com", version(), version("v2", False, {"length": {"type": "integer"}})
        )
        crd["spec"]["conversion"] = {
            "strategy": "Webhook",
            "webhook": {"clientConfig": hook.client, "conversionReviewVersions": ["v1"]},
        }
        define(api, crd)
        path = "/apis/hook.example.com/{}/namespaces/default/widgets"
        seen: list[Obj] = []
        began = threading.Event()

        def watch() -> None:
            connection = api.connect(60)
            connection.request("GET", path.format("v2") + "?watch=1&timeoutSeconds=30")
            response = connection.getresponse()
            began.set()
            while len(seen) < 2 and (line := response.readline()):
                seen.append(json.loads(line))
            connection.close()

        watching = threading.Thread(target=watch)
        watching.start()
        assert began.wait(60)
        assert api.request("POST", path.format("v1"), widget("hook.example.com/v1", size=3))[0] == 201
        assert api.request("GET", path.format("v2") + "/a")[1]["spec"] == {"length": 3}
        status, made = api.request("POST", path.format("v2"), widget("hook.example.com/v2", "b", length=4))
        assert (status, made.get("spec")) == (201, {"length": 4}), made
        assert api.request("GET", path.format("v1") + "/b")[1]["spec"] == {"size": 4}
        listed = api.request("GET", path.format("v2"))[1]["items"]
        assert [(i["metadata"]["name"], i["spec"]) for i in listed] == [("a", {"length": 3}), ("b", {"length": 4})]
        patch = {"Content-Type": "application/merge-patch+json"}
        status, changed = api.request("PATCH", path.format("v2") + "/a", {"spec": {"length": 5}}, patch)
        assert (status, changed.get("spec")) == (200, {"length": 5}), changed
        changed = api.request("GET", path.format("v1") + "/a")[1]
        assert changed["spec"] == {"size": 5}
        owners = {e["apiVersion"]: e["fieldsV1"] for e in changed["metadata"]["managedFields"]}
        assert "f:length" in owners["hook.example.com/v2"]["f:spec"]
        assert "f:size" not in owners["hook.example.com/v1"]["f:spec"], "who wrote it in the other version lost it"
        apply = {"Content-Type": "application/apply-patch+yaml"}
        body = widget("hook.example.com/v1", size=5)
        status, applied = api.request("PATCH", path.format("v1") + "/a?fieldManager=m", body, apply)
        assert (status, applied["spec"]) == (200, {"size": 5})
        conflict = widget("hook.example.com/v2", length=6)
        status, refused = api.request("PATCH", path.format("v2") + "/a?fieldManager=n", conflict, apply)
        assert (status, refused["reason"]) == (409, "Conflict")
        watching.join(60)
        assert [(e["type"], e["object"]["spec"]) for e in seen] == [
            ("ADDED", {"length": 3}),
            ("ADDED", {"length": 4}),
        ]
        assert api.request("DELETE", path.format("v2") + "/b")[0] == 200
        refuse.append("no such length")
        status, failed = api.request("POST", path.format("v2"), widget("hook.example.com/v2", "c", length=1))
    assert status == 500
    assert failed["message"].startswith("conversion webhook for hook.example.com/v")
    assert failed["message"].endswith(", Kind=Widget failed: no such length")


def test_a_schema_that_changes_shows_at_once_and_ends_watches(api: APIServer) -> None:
    define(
        api,
        definition("widgets", "change.example.com", version(spec={"a": {"type": "string"}, "b": {"type": "string"}})),
    )
    path = "/apis/change.example.com/v1/namespaces/default/widgets"
    assert api.request("POST", path, widget("change.example.com/v1", a="1", b="2"))[0] == 201
    newer = version(spec={"a": {"type": "string"}, "c": {"type": "string", "default": "d"}})
    patch = {"Content-Type": "application/merge-patch+json"}
    assert api.request("PATCH", f"{PATH}/widgets.change.example.com", {"spec": {"versions": [newer]}}, patch)[0] == 200
    assert api.request("GET", f"{path}/a")[1]["spec"] == {"a": "1", "c": "d"}
    assert api.request("GET", path)[1]["items"][0]["spec"] == {"a": "1", "c": "d"}


def test_the_storage_version_may_change(api: APIServer) -> None:
    define(api, definition("widgets", "store.example.com", version("v1"), version("v2", False)))
    path = "/apis/store.example.com/{}/namespaces/default/widgets"
    assert api.request("POST", path.format("v1"), widget("store.example.com/v1", size=1))[0] == 201
    patch = {"Content-Type": "application/merge-patch+json"}
    change = {"spec": {"versions": [version("v1", False), version("v2", True)]}}
    status, crd = api.request("PATCH", f"{PATH}/widgets.store.example.com", change, patch)
    assert (status, crd["status"]["storedVersions"]) == (200, ["v1", "v2"])
    for name in ("v1", "v2"):
        assert api.request("GET", path.format(name) + "/a")[1]["apiVersion"] == f"store.example.com/{name}"
    assert api.request("PATCH", path.format("v1") + "/a", {"spec": {"size": 2}}, patch)[1]["spec"] == {"size": 2}
    assert api.request("GET", path.format("v2") + "/a")[1]["spec"] == {"size": 2}


def test_status_scale_and_generation(api: APIServer) -> None:
    parts = {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}}
    define(api, definition("widgets", "parts.example.com", version(subresources=parts)))
    path = "/apis/parts.example.com/v1/namespaces/default/widgets"
    body = {**widget("parts.example.com/v1", size=1), "status": {"phase": "x"}}
    assert "status" not in api.request("POST", path, body)[1]
    patch = {"Content-Type": "application/merge-patch+json"}
    change = {"status": {"phase": "up"}, "spec": {"size": 9}, "metadata": {"labels": {"a": "b"}}}
    status, obj = api.request("PATCH", f"{path}/a/status", change, patch)
    assert (status, obj["status"], obj["spec"], obj["metadata"].get("labels")) == (
        200,
        {"phase": "up"},
        {"size": 1},
        None,
    )
    assert obj["metadata"]["generation"] == 1
    status, scale = api.request("PATCH", f"{path}/a/scale", {"spec": {"replicas": 4}}, patch)
    assert (status, scale["kind"], scale["spec"]) == (200, "Scale", {"replicas": 4})
    assert api.request("GET", f"{path}/a")[1]["metadata"]["generation"] == 2
    assert api.request("POST", f"{path}/a/status", body)[0] == 405
    assert api.request("GET", f"{path}/a/other")[0] == 404


def test_documents_tell_of_it_at_once(api: APIServer) -> None:
    before = api.request("GET", "/openapi/v3")[1]["paths"]
    define(api, definition("widgets", "told.example.com", shortNames=["wg"]))
    after = api.request("GET", "/openapi/v3")[1]["paths"]
    where = "apis/told.example.com/v1"
    assert where not in before and where in after
    url = after[where]["serverRelativeURL"]
    status, headers, data = api.raw("GET", url)
    schemas = json.loads(data)["components"]["schemas"]
    assert (status, "immutable" in headers["cache-control"]) == (200, True)
    assert schemas["com.example.told.v1.Widget"]["properties"]["spec"]["properties"]["size"] == {"type": "integer"}
    second = api.request("GET", "/openapi/v2")[1]
    assert "com.example.told.v1.WidgetList" in second["definitions"]
    groups = [g["name"] for g in api.request("GET", "/apis")[1]["groups"]]
    assert "told.example.com" in groups
    aggregated = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    items = api.request("GET", "/apis", headers=aggregated)[1]["items"]
    found = next(i for i in items if i["metadata"].get("name") == "told.example.com")
    assert found["versions"][0]["resources"][0]["shortNames"] == ["wg"]
    patch = {"Content-Type": "application/merge-patch+json"}
    change = {"spec": {"versions": [version(spec={"size": {"type": "string"}})]}}
    assert api.request("PATCH", f"{PATH}/widgets.told.example.com", change, patch)[0] == 200
    assert api.request("GET", "/openapi/v3")[1]["paths"][where]["serverRelativeURL"] != url
    undefine(api, "widgets.told.example.com")
    assert where not in api.request("GET", "/openapi/v3")[1]["paths"]


def test_bodies_of_other_kinds_are_refused(api: APIServer) -> None:
    define(api, definition("widgets", "bodies.example.com"))
    path = "/apis/bodies.example.com/v1/namespaces/default/widgets"
    status, error = api.request("POST", path, widget("bodies.example.com/v1", kind="Other"))
    assert (status, error["details"]["causes"][0]["field"]) == (422, "kind")
    protobuf = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    assert api.raw("POST", path, b"k8s\x00", protobuf)[0] == 415
    merge = {"Content-Type": "application/strategic-merge-patch+json"}
    assert api.request("PATCH", f"{path}/a", {}, merge)[0] == 415
    twice = b'{"apiVersion":"bodies.example.com/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"size":1,"size":2,"x":1}}'
    status, error = api.request("POST", f"{path}?fieldValidation=Strict", twice)
    assert (status, error["message"]) == (
        400,
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: '
        'duplicate field "spec.size", unknown field "spec.x"',
    )


def test_objects_survive_a_restart(tmp_path: Any) -> None:
    with APIServer(tmp_path / "data") as api:
        define(api, definition("widgets", "again.example.com", version(), version("v2", False), scope="Cluster"))
        path = "/apis/again.example.com/{}/widgets"
        assert api.request("POST", path.format("v1"), widget("again.example.com/v1", size=1))[0] == 201
        api.kill()
        api.start()
        for name in ("v1", "v2"):
            found = api.request("GET", path.format(name))[1]["items"]
            assert [(i["apiVersion"], i["spec"]) for i in found] == [(f"again.example.com/{name}", {"size": 1})]
        assert api.request("DELETE", path.format("v2") + "/a")[0] == 200


@pytest.mark.parametrize("selector", ["spec.color=red", "metadata.name=a", "spec.color!=blue"])
def test_selectable_fields(api: APIServer, selector: str) -> None:
    if api.request("GET", f"{PATH}/widgets.select.example.com")[0] == 404:
        fields = [{"jsonPath": ".spec.color"}]
        define(
            api,
            definition(
                "widgets", "select.example.com", version(spec={"color": {"type": "string"}}, selectableFields=fields)
            ),
        )
        for name, color in (("a", "red"), ("b", "blue")):
            body = widget("select.example.com/v1", name, color=color)
            assert api.request("POST", "/apis/select.example.com/v1/namespaces/default/widgets", body)[0] == 201
    listed = api.request("GET", f"/apis/select.example.com/v1/widgets?fieldSelector={selector}")[1]
    assert [i["metadata"]["name"] for i in listed["items"]] == ["a"]
