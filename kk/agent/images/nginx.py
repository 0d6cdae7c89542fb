"""nginx: a welcome page on port 80, an access log on standard output (kk.agent.programs.web in the manner of nginx).

Files come from what the pod mounts at /usr/share/nginx/html; an empty folder there answers 403, as nginx does.
"""

from kk.agent.images._image import VERSION, Image, instead, python_program


def _server() -> list[str]:
    return python_program("web", "nginx")


_SUFFIX = r"(-(perl|otel|slim))?(-(alpine\d*(\.\d+)?|bullseye|bookworm|trixie))?(-(perl|otel|slim))?"
IMAGE = Image(
    (
        "nginx",
        "public.ecr.aws/nginx/nginx",
        "registry.k8s.io/nginx-slim",
        "registry.k8s.io/e2e-test-images/nginx",
        "nginxinc/nginx-unprivileged",
    ),
    command=_server,
    tags=rf"((latest|stable|mainline|{VERSION}){_SUFFIX}|alpine(\d+\.\d+)?(-(slim|perl|otel))?|perl|otel|bookworm|trixie)",
    env={"NGINX_VERSION": "1.29.4"},
    programs={"nginx": instead(_server), "nginx-debug": instead(_server)},
    version_env="NGINX_VERSION",
    mounts=("/usr/share/nginx/html",),
    ports=(80,),
    stop_signal=3,  # SIGQUIT, as the image has it
)
