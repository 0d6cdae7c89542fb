"""`kk attach`: connect to a process that runs in a container already."""

from __future__ import annotations

from .. import pods
from ..command import Command, Flag, Options
from ..context import Env
from ..errors import CommandError
from ..streams import Session, Wanted, detach_keys
from .exec import CONTAINER, QUIET, RUNNING_TIMEOUT, STDIN, TTY, with_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RECORDED = (
    "All commands and output from this session will be recorded in container logs, including credentials and sensitive "
    "information passed through the command prompt."
)
PROMPT = "If you don't see a command prompt, try pressing enter."
DETACH_KEYS = Flag("detach-keys", default="ctrl-p,ctrl-q", help="Keys that leave the session and let the process run.")


def run(env: Env, options: Options) -> None:
    """Attach."""
    if not options.args:
        raise CommandError("at least 1 argument is required for attach")
    if len(options.args) > 2:
        raise CommandError(
            "expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw "
            f"{len(options.args)}: [{' '.join(options.args)}]"
        )
    item = pods.item_named(env, "/".join(options.args))
    pod = pods.pod_of(env, item, options.pod_running_timeout)
    attach(env, options, pod)


def attach(env: Env, options: Options, pod: dict[str, Any]) -> None:
    """Attach to a pod's container, in the way of --stdin and --tty; tells the exit status as exec does."""
    phase = (pod.get("status") or {}).get("phase", "")
    if phase in ("Succeeded", "Failed"):
        raise CommandError(f"cannot attach a container in a completed pod; current phase is {phase}")
    try:
        name = pods.container(env, pod, options.container, options.quiet)
    except CommandError as error:
        raise CommandError(f"cannot attach to the container: {error}") from None
    spec = pods.spec_of(pod, name)
    tty = options.tty
    if tty and not spec.get("tty"):
        tty = False
        if not options.quiet:
            env.err(f"error: Unable to use a TTY - container {name} did not allocate one")
    elif not tty and spec.get("tty"):
        tty = True  # the container has one: what it sends is terminal output
    raw = with_terminal(env, options.stdin, tty)
    if not options.quiet:
        env.err(RECORDED)
        env.err(PROMPT)
    query = {
        "container": name,
        "stdin": True if options.stdin else None,
        "stdout": True,
        "stderr": None if tty else True,
        "tty": True if tty else None,
    }
    keys = detach_keys(options.detach_keys)
    session = Session(env, pods.path_of(pod, "attach"), query, Wanted(options.stdin, raw, keys))
    try:
        session.run()
    finally:
        if options.stdin and raw and not options.quiet:
            if session.detached:
                env.out("")
            meta = pod["metadata"]
            env.out(
                f"Session ended, resume using '{env.prog} attach {meta['name']} -c {name} -n {meta['namespace']} -i -t' command"
            )


COMMAND = Command(
    "attach",
    "Connect to a process that runs in a container",
    run,
    section="Troubleshooting and Debugging Commands",
    usage="(POD | TYPE/NAME) -c CONTAINER",
    text="See the output of the container's process from now on, and with -i send it input.",
    examples="""# Output of a pod
kk attach web-1

# Talk to a shell that waits
kk attach web-1 -c shell -i -t""",
    flags=(CONTAINER, DETACH_KEYS, RUNNING_TIMEOUT, QUIET, STDIN, TTY),
    complete="pods",
)
