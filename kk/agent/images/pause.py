"""pause: sleeps until it is told to end (registry.k8s.io/pause)."""

from kk.agent.images._image import VERSION, Image, instead


def _sleep() -> list[str]:
    # a shell that waits for nothing needs less memory than anything else at hand
    return ["/bin/sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 2147483647 & wait $!; done"]


IMAGE = Image(
    ("registry.k8s.io/pause", "k8s.gcr.io/pause", "gcr.io/google_containers/pause", "pause", "rancher/mirrored-pause"),
    entrypoint=_sleep,
    programs={"/pause": instead(_sleep)},
    tags=rf"latest|{VERSION}",
)
