"""Joins controllers and scheduler in one process: they are peers that know nothing of each other."""

from __future__ import annotations

import logging
import sys
from typing import Any

from kk.cli.cluster.home import Cluster


def wants_scheduler(controllers: str) -> bool:
    """Whether --controllers selects the scheduler: `*` does, `-scheduler` does not."""
    words = [w.strip() for w in controllers.split(",")]
    return "-scheduler" not in words and ("*" in words or "scheduler" in words)


def signing_files(cluster: Cluster, kubeconfig: str, cert: str, key: str) -> tuple[str, str]:
    """The CA that signs certificate requests: the one that is given, or the local cluster's own where no other cluster is meant."""
    own = cluster.server / "pki"
    if cert or key or kubeconfig or not (own / "ca.key").exists():
        return cert, key
    return str(own / "ca.crt"), str(own / "ca.key")


def run_selected(
    name: str, kubeconfig: str, controllers: str, leader_elect: bool, cert: str = "", key: str = "", life: float = 0.0
) -> int:
    """Run what is selected until TERM or INT; credentials are each one's own unless a kubeconfig is given.

    cert, key   files of the CA that signs certificate requests
    life        seconds that such certificates live at most; 0: a year
    """
    from kk.control import main as control

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    cluster = Cluster(name)
    if not kubeconfig:
        cluster.must_exist()
    mine = kubeconfig or str(cluster.credentials("controller-manager"))
    extra = []
    if wants_scheduler(controllers):
        from kk.scheduler.main import Scheduler, connect

        def schedule(_client: Any, _factory: Any) -> Scheduler:
            scheduler = Scheduler(connect(kubeconfig or str(cluster.credentials("scheduler"))))
            scheduler.start()
            return scheduler

        extra.append(schedule)
    cert, key = signing_files(cluster, kubeconfig, cert, key)
    options = control.Options(
        kubeconfig=mine,
        controllers=controllers,
        leader_elect=leader_elect,
        cluster_signing_cert_file=cert,
        cluster_signing_key_file=key,
        cluster_signing_duration=life or control.Options().cluster_signing_duration,
    )
    return control.run(options, extra)
