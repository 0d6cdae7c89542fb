"""`kk version`: the version of this command line and of the server."""

from __future__ import annotations

from ..command import Command, Flag, Options
from ..context import Env
from ..errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: the Kubernetes minor version whose protocol and command line this is
KUBERNETES = (1, 36)


def run(env: Env, options: Options) -> None:
    """Print both, or only the client's."""
    if options.args:
        raise env.usage(f"extra arguments: [{' '.join(options.args)}]", "version")
    if options.output not in ("", "yaml", "json"):
        raise CommandError("--output must be 'yaml' or 'json'")
    found: dict[str, Any] = {"clientVersion": client_version()}
    fault: Exception | None = None
    from kk.base.errors import StatusError

    if not options.client:
        try:
            found["serverVersion"] = env.client.request("GET", "/version").json()
        except (StatusError, CommandError, OSError) as error:
            fault = error
    _show(env, options.output, found)
    if fault is not None:
        raise fault
    if "serverVersion" in found and not options.output:
        _skew(env, found["serverVersion"])


def client_version() -> dict[str, str]:
    """This command line's version, in the form of the server's."""
    import platform

    from kk import __version__

    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": str(KUBERNETES[0]),
        "minor": str(KUBERNETES[1]),
        "gitVersion": f"v{KUBERNETES[0]}.{KUBERNETES[1]}.0+kk.{__version__}",
        "gitTreeState": "clean",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation(),
        "platform": f"{platform.system().lower()}/{machine}",
    }


def _show(env: Env, output: str, found: dict[str, Any]) -> None:
    if output == "json":
        from ..printers.json import text

        env.out(text(found, indent=2, sort=False))
    elif output == "yaml":
        from ..yamls import dump

        env.stdout.write(dump(found))
    else:
        env.out(f"Client Version: {found['clientVersion']['gitVersion']}")
        if "serverVersion" in found:
            env.out(f"Server Version: {found['serverVersion']['gitVersion']}")


def _skew(env: Env, server: dict[str, Any]) -> None:
    try:
        minor = int(str(server.get("minor", "")).rstrip("+"))
    except ValueError:
        return
    if abs(minor - KUBERNETES[1]) > 1:
        client = f"{KUBERNETES[0]}.{KUBERNETES[1]}"
        env.warn(
            f"version difference between client ({client}) and server ({server.get('major')}.{server.get('minor')}) "
            "exceeds the supported minor version skew of +/-1"
        )


COMMAND = Command(
    "version",
    "Print the versions of client and server",
    run,
    usage="[flags]",
    examples="# Both\nkk version\n\n# The client's only, without a server\nkk version --client",
    flags=(
        Flag("client", type="bool", help="Only the client's version; no server is needed."),
        Flag("output", "o", help="'yaml' or 'json'.", values=("json", "yaml")),
    ),
)
