"""`kk exec`: run a command in a container of a running pod."""

from __future__ import annotations

from .. import pods
from ..command import Command, Flag, Options
from ..context import Env
from ..errors import CommandError
from ..resources import Item, select
from ..streams import Session, Wanted
from ..terminal import is_terminal

NO_TTY = "Unable to use a TTY - input is not a terminal or the right kind of file"

CONTAINER = Flag("container", "c", help="Which container; else the pod's default one, or its first.")
RUNNING_TIMEOUT = Flag("pod-running-timeout", type="duration", default=60.0, help="How long to wait for a pod to run.")
QUIET = Flag("quiet", "q", type="bool", help="Print only what the process prints.")
STDIN = Flag("stdin", "i", type="bool", help="Pass standard input to the process.")
TTY = Flag("tty", "t", type="bool", help="Standard input is a terminal.")


def words(env: Env, options: Options) -> tuple[str, list[str]]:
    """(POD or TYPE/NAME, the command).

    Raises errors in kubectl's words.
    """
    args, dash = options.args, options.dash
    if not args and not options.filename or (dash == 0 and not options.filename):
        raise CommandError("pod, type/name or --filename must be specified")
    if options.filename:
        if dash > 0 or (dash < 0 and args):
            raise CommandError("pod, type/name or --filename must be specified")
        return "", args
    if dash < 0 and len(args) > 1:
        raise env.usage("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead", "exec")
    if dash > 1:
        raise env.usage("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead", "exec")
    return args[0], args[1:]


def with_terminal(env: Env, stdin: bool, tty: bool) -> bool:
    """Whether there will be a terminal: it takes standard input, and a terminal there; without one stderr is told."""
    if not (tty and stdin):
        return False
    if is_terminal(env.stdin):
        return True
    env.err(NO_TTY)
    return False


def run(env: Env, options: Options) -> None:
    """Run the command and pass its exit status on."""
    word, command = words(env, options)
    if not command:
        raise CommandError("you must specify at least one command for the container")
    item = pods.item_named(env, word) if word else _from_file(env)
    pod = pods.pod_of(env, item, options.pod_running_timeout)
    phase = (pod.get("status") or {}).get("phase", "")
    if phase in ("Succeeded", "Failed"):
        raise CommandError(f"cannot exec into a container in a completed pod; current phase is {phase}")
    name = pods.container(env, pod, options.container, options.quiet)
    tty = with_terminal(env, options.stdin, options.tty)
    query = {
        "container": name,
        "command": command,
        "stdin": True if options.stdin else None,
        "stdout": True,
        "stderr": None if tty else True,
        "tty": True if tty else None,
    }
    Session(env, pods.path_of(pod, "exec"), query, Wanted(options.stdin, tty)).run()


def _from_file(env: Env) -> Item:
    named = select(env, []).named
    if len(named) != 1:
        raise CommandError("exactly one object must be named by --filename")
    return named[0]


COMMAND = Command(
    "exec",
    "Run a command in a container",
    run,
    section="Troubleshooting and Debugging Commands",
    usage="(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
    text="Run a command in a container of a running pod; its exit status becomes this command's.",
    examples="""# The output of a command, in the first container
kk exec web-1 -- date

# A shell
kk exec web-1 -c shell -i -t -- sh

# In the first pod of a deployment
kk exec deploy/web -- date""",
    flags=(
        CONTAINER,
        Flag("filename", "f", type="list", help="File, folder or URL that names the pod."),
        RUNNING_TIMEOUT,
        QUIET,
        STDIN,
        TTY,
    ),
    complete="pods",
)
