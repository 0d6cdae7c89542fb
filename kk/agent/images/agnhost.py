"""agnhost: the test image of Kubernetes, of which `netexec` and `pause` are here; netexec answers on port 8080 or --http-port."""

from kk.agent.images._image import VERSION, Image, python_program
from kk.agent.images.pause import IMAGE as PAUSE


def _agnhost(words: list[str]) -> list[str]:
    if words[:1] == ["netexec"]:
        return python_program("web", *words)
    return PAUSE.entrypoint() if words[:1] in ([], ["pause"]) else ["/agnhost", *words]


IMAGE = Image(
    ("registry.k8s.io/e2e-test-images/agnhost", "k8s.gcr.io/e2e-test-images/agnhost"),
    entrypoint=lambda: ["/agnhost"],
    command=lambda: ["pause"],
    tags=rf"{VERSION}|latest",
    programs={"/agnhost": _agnhost},
    ports=(8080,),
)
