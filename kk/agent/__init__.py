"""Floor 3, the kubelet: pod workers, runtimes, images, volumes, probes, logs, exec. A client of the API server like any other."""
