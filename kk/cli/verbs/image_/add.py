"""`kk image add NAME -- COMMAND`: let an image name stand for a program of this machine."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError


def run(env: Env, options: Options) -> None:
    """Write the entry into the user's file; agents read it at their next pull."""
    from kk.agent.images import add

    if options.dash != 1 or len(options.args) < 2:
        raise env.usage("a NAME and, after --, a COMMAND are needed", "image add")
    pairs = [item.partition("=") for item in options.env]
    if wrong := next((name for name, equals, _ in pairs if not (name and equals)), None):
        raise CommandError(f"invalid --env {wrong!r}: expected NAME=VALUE")
    name, *command = options.args
    try:
        ports = [int(port) for port in options.port]
        add(name, command, env={key: value for key, _, value in pairs}, ports=ports, cwd=options.workdir)
    except ValueError as error:
        raise CommandError(str(error)) from None
    env.out(f"image/{name} added")


COMMAND = Command(
    "image add",
    "Let an image name stand for a program of this machine",
    run,
    usage="NAME [--env=KEY=VALUE] [--port=PORT] -- COMMAND [args...]",
    text="""Any tag of the image is there from then on. The program gets the address of its pod in POD_IP and the port it is to
listen on in PORT; a container's own command and args replace the command, as with any image.""",
    examples="""# A web server of this machine as an image
kk image add my/app --port=8080 -- python3 -m http.server 8080

# With a variable in its environment
kk image add my/db --env=PGDATA=/tmp/db -- postgres""",
    flags=(
        Flag("env", type="array", help="A variable of its environment, NAME=VALUE; may be given several times."),
        Flag("port", type="list", help="A port it listens on, told in PORT."),
        Flag("workdir", help="Its working directory; a folder of the container's own if not given."),
    ),
)
