"""hello-app: the sample page of the Google Cloud tutorials, on port 8080."""

from kk.agent.images._image import Image, python_program


def _server() -> list[str]:
    return python_program("web", "hello")


IMAGE = Image(
    ("gcr.io/google-samples/hello-app", "us-docker.pkg.dev/google-samples/containers/gke/hello-app"),
    command=_server,
    tags=r"\d+\.\d+|latest",
    version_env="KK_VERSION",
    ports=(8080,),
)
