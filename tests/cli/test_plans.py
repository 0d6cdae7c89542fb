"""What verbs decide before they ask the server: pure functions, as tables."""

from types import SimpleNamespace

import pytest

from kk.cli import draining, pods, streams
from kk.cli.command import Options
from kk.cli.errors import CommandError, Plain
from kk.cli.verbs import autoscale, cp, expose, logs, port_forward, run, taint, wait
from kk.cli.verbs.rollout_ import status, undo
from kk.cli.verbs.rollout_._common import Revision
from kk.cli.verbs.set_ import env as set_env
from kk.cli.verbs.set_ import image, resources


def flags(command, **given):
    """Options of a command with the defaults of its flags."""
    options = Options()
    for flag in command.flags:
        setattr(options, flag.attribute, flag.default)
    for name, value in given.items():
        setattr(options, name, value)
        options.changed.add(name.replace("_", "-"))
    return options


# ---- rollout ----


def deployment(spec=None, **state):
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "generation": 2},
        "spec": {"replicas": 3, **(spec or {})},
        "status": {"observedGeneration": 2, **state},
    }


@pytest.mark.parametrize(
    ("obj", "line", "done"),
    [
        (deployment(observedGeneration=1), "Waiting for deployment spec update to be observed...", False),
        (
            deployment(updatedReplicas=1),
            'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...',
            False,
        ),
        (
            deployment(updatedReplicas=3, replicas=4),
            'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...',
            False,
        ),
        (
            deployment(updatedReplicas=3, replicas=3, availableReplicas=2),
            'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...',
            False,
        ),
        (
            deployment(updatedReplicas=3, replicas=3, availableReplicas=3),
            'deployment "web" successfully rolled out',
            True,
        ),
    ],
)
def test_rollout_status(obj, line, done):
    assert status.status(obj) == (line, done)


def test_rollout_status_faults():
    late = deployment(conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}])
    with pytest.raises(CommandError, match='deployment "web" exceeded its progress deadline'):
        status.status(late)
    with pytest.raises(CommandError, match="no status viewer has been implemented for Pod"):
        status.status({"kind": "Pod", "metadata": {"name": "x"}})


def test_statefulset_status():
    obj = {
        "kind": "StatefulSet",
        "metadata": {"name": "db", "generation": 1},
        "spec": {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}},
        "status": {"observedGeneration": 1, "readyReplicas": 3, "updatedReplicas": 1},
    }
    assert status.status(obj) == ("partitioned roll out complete: 1 new pods have been updated...", True)
    obj["status"]["readyReplicas"] = 1
    assert status.status(obj) == ("Waiting for 2 pods to be ready...", False)


def test_undo_target():
    kept = [Revision(n, {}, "", {}) for n in (1, 2, 5)]
    assert undo.target(kept, 0, "web", "Deployment").number == 2
    assert undo.target(kept, 5, "web", "Deployment").number == 5
    with pytest.raises(CommandError, match="unable to find specified revision 9 in history"):
        undo.target(kept, 9, "web", "Deployment")
    with pytest.raises(CommandError, match='no rollout history found for deployment "web"'):
        undo.target(kept[:1], 0, "web", "Deployment")


# ---- nodes ----


def pod(name="p", namespace="default", owner=None, phase="Running", **spec):
    meta = {"name": name, "namespace": namespace, "uid": "u"}
    if owner:
        meta["ownerReferences"] = [{"kind": owner, "name": "o", "controller": True}]
    return {"metadata": meta, "spec": {"containers": [{"name": "c"}], **spec}, "status": {"phase": phase}}


DRAIN = {"force": False, "ignore_daemonsets": False, "delete_emptydir_data": False}


@pytest.mark.parametrize(
    ("one", "given", "wanted"),
    [
        (pod(owner="ReplicaSet"), {}, (True, "", "")),
        (pod(), {}, (False, draining.NO_CONTROLLER[0], "")),
        (pod(), {"force": True}, (True, "", draining.NO_CONTROLLER[1])),
        (pod(phase="Succeeded"), {}, (True, "", "")),
        (pod(owner="DaemonSet"), {}, (False, draining.DAEMONSET[0], "")),
        (pod(owner="DaemonSet"), {"ignore_daemonsets": True}, (False, "", draining.DAEMONSET[1])),
        (pod(owner="ReplicaSet", volumes=[{"emptyDir": {}}]), {}, (False, draining.LOCAL[0], "")),
        (
            pod(owner="ReplicaSet", volumes=[{"emptyDir": {}}]),
            {"delete_emptydir_data": True},
            (True, "", draining.LOCAL[1]),
        ),
    ],
)
def test_drain_verdicts(one, given, wanted):
    assert draining.verdict(one, SimpleNamespace(**{**DRAIN, **given}), {("default", "o")}) == wanted


def test_drain_texts():
    pods_ = [pod("a"), pod("b"), pod("c", owner="DaemonSet")]
    going, fatal, warnings = draining.sorted_out(pods_, SimpleNamespace(**DRAIN), {("default", "o")})
    assert going == [] and warnings == ""
    assert fatal == (
        "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/c, "
        "cannot delete Pods that declare no controller (use --force to override): default/a, default/b"
    )


@pytest.mark.parametrize(
    ("spec", "taint_", "remove"),
    [
        ("k=v:NoSchedule", {"key": "k", "value": "v", "effect": "NoSchedule"}, False),
        ("k:NoExecute", {"key": "k", "effect": "NoExecute"}, False),
        ("k:NoExecute-", {"key": "k", "effect": "NoExecute"}, True),
        ("k-", {"key": "k"}, True),
    ],
)
def test_taints(spec, taint_, remove):
    assert taint.parse(spec) == (taint_, remove)


@pytest.mark.parametrize("spec", ["k", "k=v", "k=v:Nope", "k=v:NoSchedule-", "a b:NoSchedule"])
def test_no_taints(spec):
    with pytest.raises(CommandError):
        taint.parse(spec)


def test_taint_changes():
    had = [{"key": "a", "value": "1", "effect": "NoSchedule"}]
    new = [{"key": "a", "value": "2", "effect": "NoSchedule"}]
    with pytest.raises(CommandError, match="node n already has a taint"):
        taint.changed(had, new, [], False, "n")
    assert taint.changed(had, new, [], True, "n") == (new, "modified")
    assert taint.changed(had, [], [{"key": "a"}], False, "n") == ([], "untainted")


# ---- run, expose, autoscale, set ----


def test_run_makes_a_pod():
    options = flags(run.COMMAND, image="busybox", port="80", env=["A=b"], stdin=True, restart="Never")
    made = run.pod(options, "x", ["echo", "hi"])
    assert made["metadata"] == {"name": "x", "labels": {"run": "x"}}
    assert made["spec"]["containers"] == [
        {
            "name": "x",
            "image": "busybox",
            "args": ["echo", "hi"],
            "ports": [{"containerPort": 80}],
            "env": [{"name": "A", "value": "b"}],
            "resources": {},
            "stdin": True,
            "stdinOnce": True,
        }
    ]
    assert made["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("name", ["nginx", "a/b", "localhost:5000/x:1.2", "r.io/a/b@sha256:" + "0" * 64])
def test_image_names(name):
    assert run._IMAGE.match(name)


@pytest.mark.parametrize("name", ["", "BAD", "a b", "a::b", "x:"])
def test_no_image_names(name):
    assert not run._IMAGE.match(name)


def test_expose_takes_ports_and_selector():
    obj = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "labels": {"a": "b"}},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": [{"name": "c", "ports": [{"containerPort": 53, "protocol": "UDP"}]}]}},
        },
    }
    made = expose.service(flags(expose.COMMAND), obj, "")
    assert made["spec"] == {"ports": [{"protocol": "UDP", "port": 53, "targetPort": 53}], "selector": {"app": "web"}}
    with pytest.raises(CommandError, match="cannot expose a ConfigMap"):
        expose.service(flags(expose.COMMAND, port="1"), {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}}, "")


def test_autoscale_metrics():
    assert autoscale.metric("cpu", "80%")["resource"]["target"] == {"type": "Utilization", "averageUtilization": 80}
    assert autoscale.metric("memory", "1024Ki")["resource"]["target"] == {"type": "AverageValue", "averageValue": "1Mi"}


def test_set_changes():
    obj = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
    image.alter(obj, {"a": "i:1"})
    assert obj["spec"]["containers"] == [{"name": "a", "image": "i:1"}, {"name": "b"}]
    image.alter(obj, {"*": "j"})
    assert [c["image"] for c in obj["spec"]["containers"]] == ["j", "j"]
    with pytest.raises(CommandError, match='unable to find container named "z"'):
        image.alter(obj, {"z": "i"})
    assert resources.amounts("cpu=0.1,memory=1024Ki") == {"cpu": "100m", "memory": "1Mi"}
    before = [{"name": "A", "value": "1"}, {"name": "B"}]
    assert set_env.merged(before, [{"name": "C", "value": "3"}, {"name": "A", "value": "2"}], ["B"]) == [
        {"name": "A", "value": "2"},
        {"name": "C", "value": "3"},
    ]


# ---- pods ----


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("80", ("80", "80")), (":80", ("0", "80")), ("8080:80", ("8080", "80")), ("web", ("web", "web"))],
)
def test_port_words(text, wanted):
    assert port_forward.split(text) == wanted


def test_ports_of_services():
    target = pod()
    target["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 8080}]
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"name": "web", "port": 80, "targetPort": "http"}]}}
    assert port_forward.ports(["80", "9000:web"], target, service) == [(80, 8080), (9000, 8080)]
    assert port_forward.ports(["http", ":5"], target, None) == [(8080, 8080), (0, 5)]
    with pytest.raises(CommandError, match="Service s does not have a service port 81"):
        port_forward.ports(["81"], target, service)


def test_the_best_pod_comes_first():
    ready = pod("ready", nodeName="n")
    ready["status"]["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": "2024-01-01T00:00:00Z"}]
    found = [pod("pending", phase="Pending"), pod("running", nodeName="n"), ready]
    assert [p["metadata"]["name"] for p in sorted(found, key=pods.rank)] == ["ready", "running", "pending"]


def test_log_queries():
    assert logs.query(flags(logs.COMMAND), "c") == dict.fromkeys(
        ("follow", "previous", "timestamps", "insecureSkipTLSVerifyBackend", "limitBytes", "sinceTime")
    ) | {"container": "c"}
    assert logs.query(flags(logs.COMMAND, selector="a=b"), "c")["tailLines"] == 10
    assert logs.query(flags(logs.COMMAND, tail=0, since=1.2), "c")["sinceSeconds"] == 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("p:/x", ("", "p", "/x")),
        ("ns/p:x", ("ns", "p", "x")),
        ("./a:b", ("", "", "./a:b")),
        ("/tmp/a", ("", "", "/tmp/a")),
    ],
)
def test_places(text, wanted):
    assert cp.place(text) == wanted


@pytest.mark.parametrize("text", ["p:", ":x", "a/b/c:x", "/p:"])
def test_no_places(text):
    if text.startswith("/"):
        assert cp.place(text) == ("", "", text)
        return
    with pytest.raises(CommandError, match="filespec must match"):
        cp.place(text)


def test_ends_of_commands():
    assert streams.exit_of({"status": "Success"}) is None
    ended = streams.exit_of(
        {
            "status": "Failure",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": "7"}]},
        }
    )
    assert isinstance(ended, Plain) and ended.code == 7 and str(ended) == "command terminated with exit code 7"
    assert str(streams.exit_of({"status": "Failure", "message": "gone"})) == "gone"


def test_detach_keys():
    assert streams.detach_keys("ctrl-p,ctrl-q") == b"\x10\x11"
    assert streams.detach_keys("ctrl-],x") == b"\x1dx"
    with pytest.raises(CommandError):
        streams.detach_keys("ctrl-1")


# ---- wait ----


@pytest.mark.parametrize(
    ("text", "obj", "met"),
    [
        ("condition=Ready", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
        ("condition=ready=false", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, True),
        ("condition=Ready", {"status": {}}, False),
        (
            "condition=Ready",
            {
                "metadata": {"generation": 2},
                "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
            },
            False,
        ),
        ("jsonpath={.a}=1", {"a": 1}, True),
        ("jsonpath='{.a}'=x", {"a": "y"}, False),
        ("jsonpath={.a.b}", {"a": {"b": {}}}, True),
        ("jsonpath=.a", {}, False),
        ("create", {}, True),
    ],
)
def test_wait_goals(text, obj, met):
    assert wait.wanted(text).check(obj) is met


@pytest.mark.parametrize("text", ["", "frob", "jsonpath={.a", "jsonpath=.a="])
def test_no_wait_goals(text):
    with pytest.raises(CommandError):
        wait.wanted(text)
