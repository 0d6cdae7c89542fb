"""debian, ubuntu and their like: bash and the node's own tools."""

from kk.agent.images._image import VERSION, Image, shell


def _bash() -> list[str]:
    from shutil import which

    return [found] if (found := which("bash")) else shell()


_CODENAMES = "bullseye|bookworm|trixie|forky|sid|stable|oldstable|testing|unstable|focal|jammy|noble|plucky|questing|rolling|devel"
IMAGE = Image(
    ("debian", "ubuntu", "bash"),
    command=_bash,
    tags=rf"(latest|{_CODENAMES}|{VERSION})(-(slim|\d{{8}}))?",
)
