"""Subsets of Endpoints in their one form."""

from kk.kinds._endpointsubsets import repacked

WEB = {"name": "web", "port": 8081, "protocol": "TCP"}
DNS = {"name": "dns", "port": 53, "protocol": "UDP"}


def ips(*found):
    return [{"ip": ip} for ip in found]


def test_subsets_of_the_same_addresses_become_one():
    [one] = repacked([{"addresses": ips("10.0.0.1"), "ports": [DNS]}, {"addresses": ips("10.0.0.1"), "ports": [WEB]}])
    assert one["addresses"] == ips("10.0.0.1")
    assert sorted(p["name"] for p in one["ports"]) == ["dns", "web"]


def test_addresses_are_sorted_and_there_once():
    [one] = repacked([{"addresses": ips("10.0.0.2", "10.0.0.1", "10.0.0.2"), "ports": [WEB]}])
    assert one["addresses"] == ips("10.0.0.1", "10.0.0.2")


def test_not_ready_beats_ready():
    [one] = repacked([{"addresses": ips("10.0.0.1"), "notReadyAddresses": ips("10.0.0.1"), "ports": [WEB]}])
    assert one == {"notReadyAddresses": ips("10.0.0.1"), "ports": [WEB]}


def test_addresses_without_ports_stay():
    assert repacked([{"addresses": ips("10.0.0.1")}]) == [{"addresses": ips("10.0.0.1")}]


def test_the_form_is_stable():
    once = repacked(
        [{"addresses": ips("10.0.0.1"), "ports": [DNS, WEB]}, {"addresses": ips("10.0.0.2"), "ports": [WEB]}]
    )
    assert repacked(once) == once
    assert len(once) == 2
