"""/version: which Kubernetes this is on the wire, and that it is kk's."""

import platform
import sys

from kk import __version__
from kk.base.errors import no_such_path
from kk.server.context import Endpoint, Request, Response
from kk.server.endpoints._answers import json_only, read_only

MAJOR, MINOR, PATCH = 1, 36, 2
#: semantic versioning lets build metadata follow a plus sign; clients compare what stands before it
GIT_VERSION = f"v{MAJOR}.{MINOR}.{PATCH}+kk{__version__}"


def version() -> dict[str, str]:
    """The version document."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": str(MAJOR),
        "minor": str(MINOR),
        "emulationMajor": str(MAJOR),
        "emulationMinor": str(MINOR),
        "minCompatibilityMajor": str(MAJOR),
        "minCompatibilityMinor": str(MINOR - 1),
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": f"{sys.implementation.name} {platform.python_version()}",
        "platform": f"{sys.platform}/{machine}",
    }


async def handle(request: Request) -> Response:
    """Answer /version and /version/."""
    if request.info.path not in ("/version", "/version/"):
        raise no_such_path()
    read_only(request)
    return json_only(request, version())


ENDPOINT = Endpoint(handle, paths=("/version", "/version/"))
