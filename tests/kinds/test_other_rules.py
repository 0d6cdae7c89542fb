"""What smaller kinds may say: statuses that only rise, conditions, addresses in odd forms, names."""

from typing import Any

import pytest

from kk.kinds import (
    _addresses,
    controllerrevision,
    daemonset,
    endpointslice,
    ingress,
    networkpolicy,
    poddisruptionbudget,
    priorityclass,
    replicaset,
    servicecidr,
    statefulset,
)

Obj = dict[str, Any]
WILL_BE = "will be considered invalid in a future Kubernetes release: use"
NEGATIVE = "Invalid value: -1: must be greater than or equal to 0"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("192.12.2.0/24", []),
        ("no", []),
        ("192.12.2.8/24", ['p: CIDR value "192.12.2.8/24" is ambiguous in this context (should be "192.12.2.0/24" or "192.12.2.8/32"?)']),
        ("192.012.2.0/24", [f'p: non-standard CIDR value "192.012.2.0/24" {WILL_BE} "192.12.2.0/24"']),
        ("192.12.2.0/024", [f'p: non-standard CIDR value "192.12.2.0/024" {WILL_BE} "192.12.2.0/24"']),
        ("::ffff:192.12.2.0/120", [f'p: non-standard CIDR value "::ffff:192.12.2.0/120" {WILL_BE} "192.12.2.0/24"']),
        ("2001:db8:0:0::/64", ['p: IPv6 CIDR value "2001:db8:0:0::/64" should be in RFC 5952 canonical format ("2001:db8::/64")']),
        ("192.012.2.8/24", ['p: CIDR value "192.012.2.8/24" is ambiguous in this context (should be "192.12.2.0/24" or "192.12.2.8/32"?)',
                            f'p: non-standard CIDR value "192.012.2.8/24" {WILL_BE} "192.12.2.0/24"']),
    ],
)  # fmt: skip
def test_warnings_about_ranges(text: str, told: list[str]) -> None:
    assert list(_addresses.cidr_warnings("p", text)) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1.2.3.4", []),
        ("2001:db8::1", []),
        ("no", []),
        ("1.2.3.004", [f'p: non-standard IP address "1.2.3.004" {WILL_BE} "1.2.3.4"']),
        ("::ffff:1.2.3.4", [f'p: non-standard IP address "::ffff:1.2.3.4" {WILL_BE} "1.2.3.4"']),
        (
            "2001:db8:0::1",
            ['p: IPv6 address "2001:db8:0::1" should be in RFC 5952 canonical format ("2001:db8::1")'],
        ),
    ],
)
def test_warnings_about_addresses(text: str, told: list[str]) -> None:
    assert list(_addresses.ip_warnings("p", text)) == told


def test_policies_and_slices_warn_of_odd_forms() -> None:
    block = {"cidr": "2001:DB8::/32", "except": ["2001:db8:1::/48", "2001:db8:0:0::/64"]}
    policy = {"metadata": {}, "spec": {"egress": [{"to": [{"podSelector": {}}, {"ipBlock": block}]}]}}
    told = [text.partition(": ")[0] for text in networkpolicy.KIND.warnings(policy, None)]
    assert told == ["spec.egress[0].to[1].ipBlock.cidr", "spec.egress[0].to[1].ipBlock.except[1]"]
    made: Obj = {"metadata": {}, "addressType": "IPv6", "endpoints": [{"addresses": ["2001:DB8::1"]}]}
    assert [text.partition(": ")[0] for text in endpointslice.KIND.warnings(made, None)] == [
        "endpoints[0].addresses[0]"
    ]
    made["metadata"]["labels"] = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
    assert list(endpointslice.KIND.warnings(made, None)) == []


def test_a_malformed_range_is_told_alone() -> None:
    policy: Obj = {"metadata": {}, "spec": {"ingress": [{"from": [{"ipBlock": {"cidr": "no", "except": ["no"]}}]}]}}
    networkpolicy.KIND.default(policy)
    assert [f.field for f in networkpolicy.KIND.validate(policy, None)] == ["spec.ingress[0].from[0].ipBlock.cidr"]


def test_the_old_topology_stays_only_where_no_endpoint_changes() -> None:
    def made(address: str) -> Obj:
        return {"endpoints": [{"addresses": [address], "deprecatedTopology": {"a": "b"}}], "ports": None}

    same, other = made("1.2.3.4"), made("1.2.3.5")
    endpointslice.KIND.prepare_update(same, made("1.2.3.4"))
    endpointslice.KIND.prepare_update(other, made("1.2.3.4"))
    assert "deprecatedTopology" in same["endpoints"][0]
    assert "deprecatedTopology" not in other["endpoints"][0]


@pytest.mark.parametrize("kind", [statefulset.KIND, daemonset.KIND])
def test_hash_collisions_are_never_forgotten(kind: Any) -> None:
    old: Obj = {"status": {"collisionCount": 2}}
    for status, shown in (({"collisionCount": 1}, 1), ({}, 0)):
        told = [str(f) for f in kind.validate_status({"status": status}, old)]
        assert told == [f"status.collisionCount: Invalid value: {shown}: cannot be decremented"]
    assert list(kind.validate_status({"status": {"collisionCount": 2}}, old)) == []


def test_counts_of_statuses() -> None:
    told = [str(f) for f in replicaset.KIND.validate_status({"status": {"terminatingReplicas": -1}}, {})]
    assert told == [f"status.terminatingReplicas: {NEGATIVE}"]


def test_conditions_of_a_budget() -> None:
    good = {"type": "A", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    bad = {"type": "A", "status": "Odd", "reason": "-", "observedGeneration": -1, "message": "x" * (32 * 1024 + 1)}
    obj: Obj = {"status": {"conditions": [good]}}
    assert list(poddisruptionbudget.KIND.validate_status(obj, {})) == []
    obj["status"]["conditions"].append(bad)
    told = [str(f).removeprefix("status.conditions[1].") for f in poddisruptionbudget.KIND.validate_status(obj, {})]
    assert told[:4] == [
        'type: Duplicate value: "A"',
        'status: Unsupported value: "Odd": supported values: "False", "True", "Unknown"',
        "observedGeneration: Invalid value: -1: must be greater than or equal to zero",
        "lastTransitionTime: Required value: must be set",
    ]
    assert told[4].startswith('reason: Invalid value: "-": a condition reason must start with alphabetic character')
    assert told[5:] == ["message: Too long: may not be more than 32768 bytes"]


def test_small_kinds() -> None:
    empty = {"metadata": {"name": "a"}, "preemptionPolicy": ""}
    assert [str(f) for f in priorityclass.KIND.validate(empty, None)] == ["preemptionPolicy: Required value"]
    listed = {"metadata": {"name": "a"}, "data": [1]}
    told = [str(f) for f in controllerrevision.KIND.validate(listed, None)]
    assert told == ["data: Required value: data must be a valid JSON object"]


def test_backends_may_be_named_as_services_may() -> None:
    service = {"name": "1st", "port": {"number": 80}}
    obj: Obj = {"metadata": {"name": "a"}, "spec": {"defaultBackend": {"service": service}}}
    assert list(ingress.KIND.validate(obj, None)) == []


def test_what_an_ingress_had_wrong_it_may_keep() -> None:
    def made(host: str, secret: str) -> Obj:
        rule = {"host": host, "http": {"paths": [{"pathType": "Exact", "path": "x", "backend": {}}]}}
        return {"metadata": {"name": "a"}, "spec": {"rules": [rule], "tls": [{"secretName": secret}]}}

    wild, plain = made("*.a.b", "No"), made("c.a.b", "no")
    fields = [f.field for f in ingress.KIND.validate(wild, None)]
    at = "spec.rules[0].http.paths[0]"
    assert fields == [f"{at}.path", f"{at}.backend", "spec.tls[0].secretName"]
    assert list(ingress.KIND.validate(wild, wild)) == []
    assert [f.field for f in ingress.KIND.validate(plain, wild)] == [f"{at}.path", f"{at}.backend"]
    assert [f.field for f in ingress.KIND.validate(wild, plain)] == fields


CIDRS = "spec.cidrs"
TWICE = '["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'


@pytest.mark.parametrize(
    ("new", "old", "told"),
    [
        (["10.0.0.0/24", "2001:db8::/64"], None, []),
        (["a", "b", "c"], None, [f'{CIDRS}: Invalid value: {{"CIDRs":["a","b","c"]}}: may only hold up to 2 values']),
        (["10.0.0.0/24", "10.1.0.0/24"], None, [f"{CIDRS}: Invalid value: {TWICE}"]),
        (["10.0.0.0/24", "10.1.0.0/24"], ["10.0.0.0/24"], [f"{CIDRS}: Invalid value: {TWICE}"]),
        (["10.1.0.0/24"], ["10.0.0.0/24"], [f'{CIDRS}[0]: Invalid value: "10.1.0.0/24": field is immutable']),
        ([], ["10.0.0.0/24"], [f"{CIDRS}: Invalid value: []: field is immutable"]),
    ],
)
def test_ranges_of_services(new: list[str], old: list[str] | None, told: list[str]) -> None:
    before = {"spec": {"cidrs": old}} if old is not None else None
    assert [str(f) for f in servicecidr.KIND.validate({"spec": {"cidrs": new}}, before)] == told


def test_a_stateful_set_warns_of_its_claims_and_history() -> None:
    claim = {"metadata": {"name": "c"}, "spec": {"resources": {"requests": {"storage": "100m"}}}}
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": pod, "volumeClaimTemplates": [claim]}
    obj: Obj = {"metadata": {"name": "a"}, "spec": {**spec, "revisionHistoryLimit": -1}}
    statefulset.KIND.default(obj)
    assert list(statefulset.KIND.validate(obj, None)) == []
    told = list(statefulset.KIND.warnings(obj, None))
    whole = '[storage]: fractional byte value "100m" is invalid, must be an integer'
    limit = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
    assert told == [f"spec.volumeClaimTemplates[0].resources.requests{whole}", limit]
    assert list(statefulset.KIND.warnings(obj, obj)) == []
    before: Obj = {**obj, "spec": {**obj["spec"], "revisionHistoryLimit": 1}}
    told = list(statefulset.KIND.warnings(obj, before))
    assert told == [f"spec.volumeClaimTemplates[0].Spec.resources.requests{whole}", limit]
