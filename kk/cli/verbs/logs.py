"""`kk logs`: what containers wrote, of one pod, a workload's pod, or all pods of a selector; with -f as it comes."""

from __future__ import annotations

import threading

from .. import pods
from ..command import Command, Flag, Options
from ..common import SELECTOR
from ..context import Env
from ..errors import CommandError, raise_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

USAGE = (
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
    "POD or TYPE/NAME is a required argument for the logs command"
)


class Source:
    """One container's log; `prefix` stands before each line where asked for."""

    def __init__(self, pod: dict[str, Any], container: str):
        self.pod, self.container = pod, container
        self.prefix = f"[pod/{pod['metadata']['name']}/{container}] "
        self.path = pods.path_of(pod, "log")


def query(options: Any, container: str) -> dict[str, Any]:
    """The query of one request."""
    found: dict[str, Any] = {
        "container": container,
        "follow": True if options.follow else None,
        "previous": True if options.previous else None,
        "timestamps": True if options.timestamps else None,
        "insecureSkipTLSVerifyBackend": True if options.insecure_skip_tls_verify_backend else None,
        "limitBytes": options.limit_bytes or None,
        "sinceTime": options.since_time or None,
    }
    if options.since:
        import math

        found["sinceSeconds"] = math.ceil(options.since)
    tail = options.tail
    if tail == -1 and options.selector and "tail" not in options.changed:
        tail = 10
    if tail >= 0:
        found["tailLines"] = tail
    return found


def check(env: Env, options: Options) -> None:
    """Raises an error for flags that cannot be."""
    args = options.args
    if not args and not options.selector or len(args) > 2 or (options.selector and args):
        if options.selector and args:
            raise env.usage("only a selector (-l) or a POD name is allowed", "logs")
        raise env.usage(USAGE, "logs")
    if len(args) == 2 and options.container:
        raise CommandError("only one of -c or an inline [CONTAINER] arg is allowed")
    if options.all_containers and (options.container or len(args) == 2):
        raise CommandError(
            "--all-containers=true should not be specified with container name " + (options.container or args[1])
        )

    if options.since_time:
        from kk.base.times import parse_time

        try:
            parse_time(options.since_time)
        except ValueError as error:
            raise CommandError(str(error)) from None


def check_values(options: Options) -> None:
    """Raises CommandError for values that cannot be; asked once the pods are known, as kubectl does."""
    if "tail" in options.changed and options.tail < -1:
        raise CommandError("--tail must be greater than or equal to -1")
    if "limit-bytes" in options.changed and options.limit_bytes <= 0:
        raise CommandError("--limit-bytes must be greater than 0")
    if options.since_time and options.since:
        raise CommandError("only one of --since-time / --since may be used.")
    if "since" in options.changed and options.since <= 0:
        raise CommandError("--since must be greater than 0")


def sources(env: Env, options: Options) -> list[Source]:
    """The containers that are meant."""
    wanted = options.args[1] if len(options.args) == 2 else options.container
    found: list[Source] = []
    for pod in _pods(env, options):
        if options.all_containers:
            names = [name for name, _ in _in_order(pod)]
        else:
            names = [pods.container(env, pod, wanted)]
        found += [Source(pod, name) for name in names]
    return found


def _in_order(pod: dict[str, Any]) -> list[tuple[str, str]]:
    order = {" (init)": 0, "": 1, " (ephem)": 2}
    return sorted(pods.containers(pod), key=lambda c: order[c[1]])


def _pods(env: Env, options: Options) -> list[dict[str, Any]]:
    from kk.base.errors import StatusError

    if options.selector:
        path = f"/api/v1/namespaces/{env.namespace}/pods"
        found = env.client.request("GET", path, query={"labelSelector": options.selector}).json()["items"]
        if not found:
            env.err(f"No resources found in {env.namespace} namespace.")
        return found
    item = pods.item_named(env, options.args[0])
    try:
        if options.all_pods and item.resource.kind != "Pod":
            options.prefix = True
            selector = pods.pod_selector(item.fetch(env))
            path = f"/api/v1/namespaces/{item.namespace}/pods"
            return env.client.request("GET", path, query={"labelSelector": selector}).json()["items"]
        return [pods.pod_of(env, item, options.pod_running_timeout, logging=True)]
    except StatusError as error:
        if error.code == 404 and error.status.get("reason") == "NotFound":
            message = error.status.get("message", "")
            raise CommandError(f'error from server (NotFound): {message} in namespace "{env.namespace}"') from None
        raise


def run(env: Env, options: Options) -> None:
    """Print the logs."""
    check(env, options)
    found = sources(env, options)
    check_values(options)
    show(env, options, found)


def show(env: Env, options: Options, found: list[Source]) -> None:
    """Print the logs of containers: one after the other, or with -f all at once."""
    if options.follow and len(found) > 1:
        most = options.max_log_requests
        if len(found) > most:
            raise CommandError(
                f"you are attempting to follow {len(found)} log streams, but maximum allowed concurrency is {most}, "
                "use --max-log-requests to increase the limit"
            )
        _together(env, options, found)
        return
    for source in found:
        try:
            _copy(env, options, source, _writer(env))
        except (CommandError, OSError) as error:
            if not options.ignore_errors:
                raise
            env.fail(error)


def _writer(env: Env) -> Callable[[bytes], None]:
    buffer = getattr(env.stdout, "buffer", None)
    env.stdout.flush()

    def write(data: bytes) -> None:
        if buffer is not None:
            buffer.write(data)
            buffer.flush()
        else:
            env.stdout.write(data.decode("utf-8", "replace"))

    return write


def _copy(env: Env, options: Options, source: Source, write: Callable[[bytes], None]) -> None:
    with env.client.stream(
        "GET", source.path, query=query(options, source.container), accept="application/json, */*"
    ) as answer:
        if not options.prefix:
            for piece in answer.pieces():
                write(piece)
            return
        prefix, begun = source.prefix.encode(), True
        for piece in answer.pieces():
            for line in piece.splitlines(keepends=True):
                write(prefix + line if begun else line)
                begun = line.endswith(b"\n")


def _together(env: Env, options: Options, found: list[Source]) -> None:
    """Follow several logs at once; whole lines, so that they do not mix."""
    lock, write = threading.Lock(), _writer(env)
    errors: list[Exception] = []

    def one(source: Source) -> None:
        from kk.base.errors import StatusError

        prefix = source.prefix.encode() if options.prefix else b""
        try:
            with env.client.stream(
                "GET", source.path, query=query(options, source.container), accept="application/json, */*"
            ) as answer:
                for line in answer.lines():
                    with lock:
                        write(prefix + line + b"\n")
        except (StatusError, OSError) as error:
            if options.ignore_errors:
                with lock:
                    env.fail(error)
            else:
                errors.append(error)

    threads = [threading.Thread(target=one, args=(source,), daemon=True) for source in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    raise_all(errors)


COMMAND = Command(
    "logs",
    "Print the logs of containers",
    run,
    section="Troubleshooting and Debugging Commands",
    usage="[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
    text="Print what a container wrote. A pod with one container needs no -c.",
    examples="""# The log of a pod
kk logs web-1

# As it comes
kk logs -f web-1

# What the container wrote before it was restarted
kk logs -p web-1

# The last 20 lines, of the last hour
kk logs --tail=20 --since=1h web-1

# All containers of the pods of an application, each line with where it is from
kk logs -l app=web --all-containers --prefix

# The first pod of a deployment
kk logs deployment/web""",
    flags=(
        Flag("all-containers", type="bool", help="All containers of the pods."),
        Flag("all-pods", type="bool", help="All pods of the workload; lines get a prefix."),
        Flag("container", "c", help="Which container."),
        Flag("follow", "f", type="bool", help="Print what comes, until the container ends."),
        Flag("ignore-errors", type="bool", help="Go on where a log cannot be read."),
        Flag("insecure-skip-tls-verify-backend", type="bool", help="Do not check the certificate of the node."),
        Flag("limit-bytes", type="int", help="At most so many bytes."),
        Flag("max-log-requests", type="int", default=5, help="How many logs may be followed at once."),
        Flag("pod-running-timeout", type="duration", default=20.0, help="How long to wait for a pod to run."),
        Flag("prefix", type="bool", help="Begin each line with its pod and container."),
        Flag("previous", "p", type="bool", help="The log of the container's instance before this one."),
        SELECTOR,
        Flag("since", type="duration", help="Only what is newer than this, such as 5s, 2m or 3h."),
        Flag("since-time", help="Only what was written after this moment (RFC 3339)."),
        Flag("tail", type="int", default=-1, help="The last lines only; 10 with a selector, else all."),
        Flag("timestamps", type="bool", help="Begin each line with its time."),
    ),
    complete="pods",
)
