"""kubernetes-bootcamp: the page of the Kubernetes basics tutorial, on port 8080."""

from kk.agent.images._image import Image, python_program


def _server() -> list[str]:
    return python_program("web", "bootcamp")


IMAGE = Image(
    (
        "gcr.io/google-samples/kubernetes-bootcamp",
        "jocatalin/kubernetes-bootcamp",
        "gcr.io/k8s-minikube/kubernetes-bootcamp",
    ),
    command=_server,
    tags=r"v\d+|latest",
    version_env="KK_VERSION",
    ports=(8080,),
)
