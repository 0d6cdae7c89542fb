"""Environments: expansion, references, the downward API, services; what is missing is told as kubelet does."""

import pytest

from kk.agent.pods.crash import CrashBackoff
from kk.agent.pods.env import ConfigFault, Sources, environment, service_variables
from kk.agent.pods.expand import expand

POD = {
    "metadata": {"name": "p", "namespace": "shop", "uid": "u", "labels": {"app": "web", "a/b": "c"}},
    "spec": {"nodeName": "n1", "serviceAccountName": "sa"},
}
MAPS = {"cm": {"k": "v", "other": "w"}, "s": {"password": "secret"}}


def sources():
    return Sources(MAPS.get, MAPS.get, [], {"cpu": "2", "memory": "1Gi"}, "n1", "10.0.0.1", "127.2.3.4")


def env(*variables, **container):
    return environment(POD, {"name": "c", "env": list(variables), **container}, {"PATH": "/bin"}, sources())


@pytest.mark.parametrize(
    "text, expected",
    [
        ("$(A)-$(B)", "1-$(B)"),
        ("$$(A)", "$(A)"),
        ("$A $", "$A $"),
        ("$(A", "$(A"),
        ("$$$(A)$$", "$1$"),
        ("", ""),
    ],
)
def test_expansion(text, expected):
    assert expand(text, {"A": "1"}) == expected


def test_values_and_references():
    found = env(
        {"name": "A", "value": "x"},
        {"name": "B", "value": "$(A)$(C)"},
        {"name": "C", "value": "late"},
        {"name": "D", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}},
        {"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}},
        {"name": "F", "valueFrom": {"configMapKeyRef": {"name": "no", "key": "k", "optional": True}}},
        {"name": "G", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "H", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "PATH", "value": "/mine"},
        envFrom=[{"configMapRef": {"name": "cm"}, "prefix": "P_"}, {"secretRef": {"name": "no", "optional": True}}],
    )
    assert found == {
        "PATH": "/mine", "A": "x", "B": "x$(C)", "C": "late", "D": "v", "E": "secret",
        "G": "web", "H": "127.2.3.4", "P_k": "v", "P_other": "w",
    }  # fmt: skip


@pytest.mark.parametrize(
    "variable, words",
    [
        ({"configMapKeyRef": {"name": "no", "key": "k"}}, 'configmap "no" not found'),
        ({"secretKeyRef": {"name": "no", "key": "k"}}, 'secret "no" not found'),
        ({"configMapKeyRef": {"name": "cm", "key": "no"}}, "couldn't find key no in ConfigMap shop/cm"),
        ({"secretKeyRef": {"name": "s", "key": "no"}}, "couldn't find key no in Secret shop/s"),
    ],
)
def test_what_is_missing(variable, words):
    with pytest.raises(ConfigFault, match=words):
        env({"name": "A", "valueFrom": variable})
    with pytest.raises(ConfigFault, match='configmap "no" not found'):
        env(envFrom=[{"configMapRef": {"name": "no"}}])


@pytest.mark.parametrize(
    "resource, divisor, expected",
    [
        ("limits.cpu", "1m", "250"),
        ("limits.cpu", "0", "1"),
        ("requests.memory", "1Mi", "64"),
        ("limits.memory", "1Mi", "1024"),
    ],
)
def test_resources(resource, divisor, expected):
    ref = {"resourceFieldRef": {"resource": resource, "divisor": divisor}}
    resources = {"limits": {"cpu": "250m"}, "requests": {"memory": "64Mi"}}
    assert env({"name": "A", "valueFrom": ref}, resources=resources)["A"] == expected


def test_services():
    service = {
        "metadata": {"name": "my-db"},
        "spec": {"clusterIP": "10.9.8.7", "ports": [{"name": "sql", "port": 5432}]},
    }
    headless = {"metadata": {"name": "no"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}}
    assert service_variables([service, headless]) == {
        "MY_DB_SERVICE_HOST": "10.9.8.7", "MY_DB_SERVICE_PORT": "5432", "MY_DB_SERVICE_PORT_SQL": "5432",
        "MY_DB_PORT": "tcp://10.9.8.7:5432", "MY_DB_PORT_5432_TCP": "tcp://10.9.8.7:5432",
        "MY_DB_PORT_5432_TCP_PROTO": "tcp", "MY_DB_PORT_5432_TCP_PORT": "5432", "MY_DB_PORT_5432_TCP_ADDR": "10.9.8.7",
    }  # fmt: skip


def test_crash_backoff():
    backoff, key = CrashBackoff(), ("u", "c")
    assert backoff.until(key, 100) == 0
    delays, now = [], 1000.0
    for _ in range(8):
        backoff.raise_(key, now, now)
        now = backoff.until(key, now)
        delays.append(backoff.delay(key))
    assert delays == [10, 20, 40, 80, 160, 300, 300, 300]
    assert backoff.until(key, now + 601) == 0
    backoff.raise_(key, now + 601, now + 601)
    assert backoff.delay(key) == 10
    backoff.forget("u")
    assert backoff.until(key, now + 602) == 0
