"""busybox: a shell and the node's own small tools."""

from kk.agent.images._image import VERSION, Image, instead, shell

IMAGE = Image(
    ("busybox", "quay.io/prometheus/busybox", "registry.k8s.io/e2e-test-images/busybox", "registry.k8s.io/busybox"),
    command=shell,
    tags=rf"(latest|stable|unstable|glibc|musl|uclibc|{VERSION}|stable-\w+|{VERSION}-\w+)",
    programs={"sh": instead(shell), "ash": instead(shell)},
)
