"""`kk expose`: a Service for the pods of a workload, a pod, or another service."""

from __future__ import annotations

from ..command import Command, Flag, Options
from ..common import DRY_RUN, SAVE_CONFIG, field_manager, filename, output
from ..context import Env, dry_run
from ..errors import CommandError
from ..resources import Item, select
from ..results import Results
from ..writing import annotated, query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WORKLOADS = ("ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job")


def selector_of(obj: dict[str, Any]) -> dict[str, str]:
    """The labels by which an object's pods are found.

    Raises CommandError for an object that none can be told of.
    """
    kind, spec = obj.get("kind"), obj.get("spec") or {}
    if kind == "Pod":
        labels = (obj.get("metadata") or {}).get("labels")
        if not labels:
            raise CommandError("the pod has no labels and cannot be exposed")
        return labels
    found = spec.get("selector")
    if kind in ("Service", "ReplicationController"):
        if not found:
            raise CommandError("the service has no pod selector set")
        return found
    if kind not in ("Deployment", "ReplicaSet"):
        raise CommandError(f"cannot expose a {kind}.{str(obj.get('apiVersion', '')).rpartition('/')[0]}".rstrip("."))
    found = found or {}
    if found.get("matchExpressions"):
        raise CommandError(
            f'couldn\'t convert expressions - "{found["matchExpressions"]}" to map-based selector format'
        )
    if not found.get("matchLabels"):
        raise CommandError("invalid deployment: no selectors, therefore cannot be exposed")
    return found["matchLabels"]


def _found_selector(obj: dict[str, Any]) -> dict[str, str]:
    try:
        return selector_of(obj)
    except CommandError as error:
        if str(error).startswith("cannot expose"):
            raise
        raise CommandError(f"couldn't retrieve selectors via --selector flag or introspection: {error}") from None


def ports_of(obj: dict[str, Any]) -> list[tuple[int, str]]:
    """(port, protocol) that an object's containers, or a service, listen on."""
    spec = obj.get("spec") or {}
    if obj.get("kind") == "Service":
        return [(p["port"], p.get("protocol", "TCP")) for p in spec.get("ports") or ()]
    pod = spec if obj.get("kind") == "Pod" else (spec.get("template") or {}).get("spec") or {}
    return [
        (p["containerPort"], p.get("protocol", "TCP"))
        for c in pod.get("containers") or ()
        for p in c.get("ports") or ()
    ]


def service(options: Any, obj: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The Service that the flags and the exposed object make.

    Raises CommandError.
    """
    name = options.name or (obj.get("metadata") or {}).get("name", "")
    selector = _pairs(options.selector) if options.selector else _found_selector(obj)
    labels = _pairs(options.labels) if options.labels else (obj.get("metadata") or {}).get("labels")
    meta: dict[str, Any] = {"name": name[:63].rstrip("-")}
    if namespace:
        meta["namespace"] = namespace
    if labels:
        meta["labels"] = dict(labels)
    spec: dict[str, Any] = {"ports": _ports(options, obj), "selector": dict(selector)}
    for flag, field in (("cluster_ip", "clusterIP"), ("type", "type"), ("load_balancer_ip", "loadBalancerIP")):
        if value := getattr(options, flag):
            spec[field] = value
    if options.external_ip:
        spec["externalIPs"] = [options.external_ip]
    if options.session_affinity:
        spec["sessionAffinity"] = options.session_affinity
    return {"kind": "Service", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {"loadBalancer": {}}}


def _ports(options: Any, obj: dict[str, Any]) -> list[dict[str, Any]]:
    known = ports_of(obj)
    if options.port:
        wanted = [part.strip() for part in options.port.split(",")]
    else:
        wanted = [str(port) for port, _ in known]
        if not wanted:
            raise CommandError("couldn't find port via --port flag or introspection")
    protocols = {str(port): protocol for port, protocol in known}
    found: list[dict[str, Any]] = []
    for number, text in enumerate(wanted):
        if not text.isdigit():
            raise CommandError(f'strconv.Atoi: parsing "{text}": invalid syntax')
        port: dict[str, Any] = {"name": f"port-{number + 1}"} if len(wanted) > 1 else {}
        port["port"] = int(text)
        port["protocol"] = options.protocol.upper() if options.protocol else protocols.get(text, "TCP")
        target = options.target_port
        port["targetPort"] = (int(target) if target.isdigit() else target) if target else int(text)
        found.append({k: port[k] for k in ("name", "protocol", "port", "targetPort") if k in port})
    return found


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for pair in text.split(","):
        key, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f"unexpected label spec: {pair}")
        found[key] = value
    return found


def overridden(options: Any, obj: dict[str, Any]) -> dict[str, Any]:
    """The object with --overrides laid over it, in the way of --override-type.

    Raises CommandError.
    """
    if not options.overrides:
        return obj
    from ..yamls import Fault, parse

    try:
        patch = parse(options.overrides)
    except Fault:
        raise CommandError("Invalid JSON Patch") from None
    from kk.base.patch import PatchError, json_patch, merge_patch, strategic

    try:
        if options.override_type == "json":
            return json_patch.apply(obj, patch)
        if options.override_type == "strategic":
            from kk.kinds.registry import registry

            known = registry().by_kind(obj["apiVersion"], obj["kind"])
            if known is not None:
                return strategic.apply(obj, patch, known.schema)
        elif options.override_type != "merge":
            raise CommandError(f"invalid override type: {options.override_type}")
        return merge_patch.apply(obj, patch)
    except PatchError as error:
        raise CommandError(str(error)) from None


def run(env: Env, options: Options) -> None:
    """Create a Service for each object that is meant."""
    results = Results(env, "exposed", ordered=True)
    selection = select(env, options.args, everything=False)
    selection.each(lambda item: _one(env, options, item, results))


def _one(env: Env, options: Options, item: Item, results: Results) -> None:
    assert item.obj is not None
    made = overridden(options, service(options, item.obj, item.namespace if env.namespace_given else ""))
    if options.save_config:
        made = annotated(made)
    if dry_run(env) != "client":
        path = f"/api/v1/namespaces/{item.namespace}/services"
        made = env.client.request("POST", path, query=query(env), body=made).json()
    results.tell(made)


COMMAND = Command(
    "expose",
    "Make a Service for a workload, a pod, or a service",
    run,
    section="Basic Commands (Beginner)",
    usage="(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] "
    "[--name=name] [--external-ip=external-ip-of-service] [--type=type]",
    text="Take the selector of a Deployment, ReplicaSet, ReplicationController, Service or Pod and make a new Service of it on the "
    "given port, or on those that the containers tell.",
    examples="""# Port 80 to port 8080 of the containers of a deployment
kk expose deployment web --port=80 --target-port=8080

# A port on every node
kk expose deployment web --port=80 --type=NodePort --name=web-outside

# A pod by its labels
kk expose pod valid-pod --port=444 --name=frontend""",
    flags=(
        *output(),
        Flag("cluster-ip", help='Address of the service: empty lets the server choose, "None" makes it headless.'),
        DRY_RUN,
        Flag("external-ip", help="An address of one's own that the service is reached at too."),
        field_manager("kubectl-expose"),
        *filename("that names the objects to expose"),
        Flag("labels", "l", help="Labels of the service, as key=value,….", default=""),
        Flag("load-balancer-ip", help="Address for the load balancer."),
        Flag("name", help="Name of the service; the object's where not given."),
        Flag(
            "override-type",
            default="merge",
            values=("json", "merge", "strategic"),
            help="How --overrides is laid over.",
        ),
        Flag("overrides", help="JSON that is laid over the service before it is sent."),
        Flag("port", help="Port of the service; the containers' where not given."),
        Flag("protocol", help="TCP, UDP or SCTP."),
        SAVE_CONFIG,
        Flag("selector", help="Label selector of the service, with = only; the object's where not given."),
        Flag("session-affinity", help="None or ClientIP."),
        Flag("target-port", help="Name or number of the port of the containers."),
        Flag("type", help="ClusterIP, NodePort, LoadBalancer or ExternalName."),
    ),
    complete="resources",
)
