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


def run_selected(name: str, kubeconfig: str, controllers: str, leader_elect: bool) -> int:
    """Run what is selected until TERM or INT; credentials are each one's own unless a kubeconfig is given."""
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
    options = control.Options(kubeconfig=mine, controllers=controllers, leader_elect=leader_elect)
    return control.run(options, extra)
