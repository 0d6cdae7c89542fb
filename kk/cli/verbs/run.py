"""`kk run`: a pod from an image, and with -i or --attach a session in it.

The pod is made by pure functions; attaching, falling back to logs, and removing with --rm follow kubectl.
"""

from __future__ import annotations

import re

from .. import pods
from ..command import Command, Flag, Options
from ..common import DRY_RUN, SAVE_CONFIG, cascade, field_manager, filename, output
from ..context import Env, dry_run
from ..errors import CommandError, Plain
from ..resources import Item
from ..results import Results
from ..writing import annotated, query
from .attach import DETACH_KEYS
from .expose import overridden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Obj = dict[str, Any]

_IMAGE = re.compile(
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
    r"(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?\Z"
)


def labels(text: str, name: str) -> dict[str, str]:
    """Labels from --labels, else run=NAME.

    Raises CommandError.
    """
    if not text:
        return {"run": name}
    found = {}
    for pair in text.split(","):
        key, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f"unexpected label spec: {pair}")
        found[key] = value
    return found


def environment(pairs: list[str]) -> list[dict[str, str]]:
    """Variables from --env.

    Raises CommandError.
    """
    found = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise CommandError(f"invalid env: {pair}")
        from kk.base.names import env_var_name_relaxed

        if env_var_name_relaxed(key):
            raise CommandError(f"invalid env: {pair}")
        found.append({"name": key, "value": value} if value else {"name": key})
    return found


def pod(options: Any, name: str, arguments: list[str]) -> Obj:
    """The Pod that the flags make; the order of fields is that of the type.

    Raises CommandError.
    """
    container: Obj = {"name": name, "image": options.image}
    if arguments:
        container["command" if options.command else "args"] = arguments
    if options.port:
        if not options.port.isdigit():
            raise CommandError(f'strconv.Atoi: parsing "{options.port}": invalid syntax')
        container["ports"] = [{"containerPort": int(options.port)}]
    if options.env:
        container["env"] = environment(options.env)
    container["resources"] = {}
    if options.image_pull_policy:
        container["imagePullPolicy"] = options.image_pull_policy
    if options.privileged:
        container["securityContext"] = {"privileged": True}
    if options.stdin:
        container["stdin"] = True
        if not options.leave_stdin_open:
            container["stdinOnce"] = True
    if options.tty:
        container["tty"] = True
    meta: Obj = {"name": name, "labels": labels(options.labels, name)}
    if options.annotations:
        meta["annotations"] = dict(pair.partition("=")[::2] for pair in options.annotations)
    spec = {"containers": [container], "restartPolicy": options.restart or "Always", "dnsPolicy": "ClusterFirst"}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {}}


def service(options: Any, name: str) -> Obj:
    """The Service of --expose."""
    port = int(options.port)
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "spec": {
            "ports": [{"protocol": "TCP", "port": port, "targetPort": port}],
            "selector": labels(options.labels, name),
        },
        "status": {"loadBalancer": {}},
    }


def check(env: Env, options: Options, attach: bool) -> str:
    """The pod's name; raises errors for flags that cannot be."""
    args = options.args
    if not args or options.dash == 0:
        raise env.usage("NAME is required for run", "run")
    if not _IMAGE.match(options.image):
        raise CommandError(f'Invalid image name "{options.image}": invalid reference format')
    if options.tty and not options.stdin:
        raise env.usage("-i/--stdin is required for containers with -t/--tty=true", "run")
    if options.expose and not options.port:
        raise env.usage("--port must be set when exposing a service", "run")
    if options.restart and options.restart not in ("Always", "OnFailure", "Never"):
        raise env.usage(f"invalid restart policy: {options.restart}", "run")
    if attach and dry_run(env) != "none":
        raise env.usage(
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
            "run",
        )
    if options.rm and not attach:
        raise env.usage("--rm should only be used for attached containers", "run")
    if options.image_pull_policy not in ("", "Always", "IfNotPresent", "Never"):
        raise CommandError(f"invalid image pull policy: {options.image_pull_policy}")
    return args[0]


def run(env: Env, options: Options) -> None:
    """Make the pod, and attach to it where wanted."""
    attach = options.attach if "attach" in options.changed else bool(options.stdin)
    name = check(env, options, attach)
    made = overridden(options, pod(options, name, options.args[1:]))
    results = Results(env, "created", ordered=True)
    created: list[Item] = []
    try:
        if options.expose:
            exposed = _create(env, options, service(options, name), created)
            results.tell(exposed)
            if results.printer is not None and not results.names_only:
                env.out("---")
        made = _create(env, options, made, created)
        if attach:
            _session(env, options, made)
            return
        results.tell(made)
    finally:
        if options.rm:
            _remove(env, options, created)


def _create(env: Env, options: Options, obj: Obj, created: list[Item]) -> Obj:
    if env.namespace_given:
        meta = obj["metadata"]
        obj["metadata"] = {"name": meta.pop("name"), "namespace": env.namespace, **meta}
    if options.save_config:
        obj = annotated(obj)
    if dry_run(env) == "client":
        return obj
    plural = "pods" if obj["kind"] == "Pod" else "services"
    path = f"/api/v1/namespaces/{env.namespace}/{plural}"
    obj = env.client.request("POST", path, query=query(env), body=obj).json()
    obj = {"kind": obj.pop("kind"), "apiVersion": obj.pop("apiVersion"), **obj}
    created.append(Item(env.find(plural), env.namespace, obj["metadata"]["name"], obj))
    return obj


# ---- the session ----


def _session(env: Env, options: Options, made: Obj) -> None:
    """Attach to the new pod and, where it runs once, wait for its end and take its exit status."""
    item = Item(env.find("pods"), env.namespace, made["metadata"]["name"], made)
    _attach(env, options, item)
    policy = made["spec"].get("restartPolicy")
    if options.leave_stdin_open or policy not in ("Never", "OnFailure"):
        return
    phases = ("Succeeded", "Failed") if policy == "Never" else ("Succeeded",)
    ended = _until(env, options, item, lambda state: state.get("phase") in phases)
    _exit(ended, f"{env.namespace}/{item.name}")


def _exit(ended: Obj, where: str) -> None:
    state = ended.get("status") or {}
    phase = state.get("phase")
    if phase == "Succeeded":
        return
    if phase != "Failed":
        raise CommandError(f"pod {where} left in phase {phase}")
    containers = state.get("containerStatuses") or [{}]
    terminated = (containers[0].get("state") or {}).get("terminated")
    if not terminated or not terminated.get("exitCode"):
        raise CommandError(f"pod {where} failed with unknown exit code")
    text = f"pod {where} terminated ({terminated.get('reason', '')})\n{terminated.get('message', '')}"
    raise Plain(text.removesuffix("\n"), terminated["exitCode"])


def _attach(env: Env, options: Options, item: Item) -> None:
    from kk.base.errors import StatusError

    from .attach import attach

    found = _until(env, options, item, lambda state: _ready(state) or state.get("phase") in ("Succeeded", "Failed"))
    if found["status"].get("phase") in ("Succeeded", "Failed"):
        _logs(env, options, found)
        return
    options.container = ""
    try:
        attach(env, options, found)
    except (CommandError, StatusError, OSError) as error:
        if isinstance(error, Plain):
            raise
        env.err(f"warning: couldn't attach to pod/{item.name}, falling back to streaming logs: {error}")
        _logs(env, options, found)


def _ready(state: Obj) -> bool:
    if state.get("phase") != "Running":
        return False
    return any(c["type"] == "Ready" and c["status"] == "True" for c in state.get("conditions") or ())


def _until(env: Env, options: Options, item: Item, done: Any) -> Obj:
    from ..waiting import until

    def check_event(event: str, obj: Obj | None) -> bool:
        if obj is None:
            raise CommandError(f'pods "{item.name}" not found')
        return done(obj.get("status") or {})

    timeout = options.pod_running_timeout
    found = until(env, item, check_event, timeout if timeout > 0 else 0)
    assert found is not None
    return found


def _logs(env: Env, options: Options, found: Obj) -> None:
    """The pod's log instead of a session with it."""
    name = pods.container(env, found, "", options.quiet)
    answer = env.client.stream(
        "GET", pods.path_of(found, "log"), query={"container": name, "follow": True}, accept="*/*"
    )
    from ..terminal import flush, write_all

    flush()
    with answer:
        for piece in answer.pieces():
            write_all(1, piece)


def _remove(env: Env, options: Options, created: list[Item]) -> None:
    """Delete what was made, as `delete` does and says it."""
    from kk.base.errors import StatusError

    from ..deleting import delete, wait_gone

    for item in created:
        try:
            uid = delete(env, item, options, options.grace_period)
        except StatusError as error:
            if error.code != 404:
                raise
            continue
        if not options.quiet:
            env.out(f'{item.resource.singular} "{item.name}" deleted from {item.namespace} namespace')
            env.stdout.flush()
        if options.wait:
            wait_gone(env, item, uid, options.timeout)


COMMAND = Command(
    "run",
    "Run an image in a pod",
    run,
    section="Basic Commands (Beginner)",
    usage='NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] '
    "[--command] -- [COMMAND] [args...]",
    text="Make one pod that runs an image. With -i or --attach its output is followed here, and its exit status becomes this command's.",
    examples="""# A pod of nginx
kk run nginx --image=nginx

# With a port, and variables
kk run web --image=httpd --port=80 --env="DOMAIN=cluster" --env="TIER=test"

# A shell that is removed at its end
kk run -i -t --rm box --image=busybox --restart=Never -- sh

# Only show the pod
kk run nginx --image=nginx --dry-run=client -o yaml

# Other arguments, another command
kk run nginx --image=nginx -- -c /etc/other.conf
kk run clock --image=busybox --command -- date""",
    flags=(
        *output(),
        Flag("annotations", type="array", help="Annotation of the pod, as key=value."),
        Flag("attach", type="bool", help="Wait for the pod to run and attach to it; on with -i."),
        *cascade(),
        Flag("command", type="bool", help="The arguments are the command, not its arguments."),
        DETACH_KEYS,
        DRY_RUN,
        Flag("env", type="array", help="Variable of the container, as key=value."),
        Flag("expose", type="bool", help="Make a ClusterIP service for the pod; needs --port."),
        field_manager("kubectl-run"),
        *filename("with objects"),
        Flag("image", required=True, help="The image to run."),
        Flag("image-pull-policy", help="Always, IfNotPresent or Never."),
        Flag("labels", "l", help="Labels of the pod, as key=value,….", default=""),
        Flag("leave-stdin-open", type="bool", help="Keep standard input open after the first session ends."),
        Flag(
            "override-type",
            default="merge",
            values=("json", "merge", "strategic"),
            help="How --overrides is laid over.",
        ),
        Flag("overrides", help="JSON that is laid over the pod before it is sent."),
        Flag("pod-running-timeout", type="duration", default=60.0, help="How long to wait for the pod to run."),
        Flag("port", help="Port of the container."),
        Flag("privileged", type="bool", help="Run the container with all rights."),
        Flag("quiet", "q", type="bool", help="Say nothing but what the container says."),
        Flag("restart", default="Always", values=("Always", "OnFailure", "Never"), help="Restart policy of the pod."),
        Flag("rm", type="bool", help="Delete the pod when the session ends."),
        SAVE_CONFIG,
        Flag("stdin", "i", type="bool", help="Keep standard input open, and attach."),
        Flag("tty", "t", type="bool", help="Give the container a terminal."),
        Flag("wait", type="bool", help="With --rm: wait until the pod is gone."),
    ),
)
