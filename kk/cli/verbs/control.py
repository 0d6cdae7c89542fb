"""kk control: run controllers and scheduler in the foreground, one process, each a client of the API server like any other."""

from __future__ import annotations

from kk.cli.cluster.flags import CLUSTER, SECTION
from kk.cli.command import Command, Flag, Options
from kk.cli.context import Env


def run(env: Env, options: Options) -> int:
    """Join the two peers kk.control and kk.scheduler: which runs is one list."""
    from kk.cli.cluster.control import run_selected

    return run_selected(
        options.cluster,
        options.kubeconfig,
        options.controllers,
        options.leader_elect,
        options.cluster_signing_cert_file,
        options.cluster_signing_key_file,
        options.cluster_signing_duration,
    )


COMMAND = Command(
    "control",
    "Run controllers and scheduler in the foreground",
    run,
    usage="[--cluster NAME | --kubeconfig FILE] [--controllers LIST]",
    text="""Run controllers and the scheduler in the foreground, as "kk up" runs them in the background.

--controllers is a list as in kube-controller-manager: '*' is all that are on by default, 'foo' turns one on, '-foo' turns one
off. The scheduler counts as one of them here, so that a lab can show what happens without it.""",
    examples="""# Everything but the scheduler: pods stay Pending
kk control --controllers='*,-scheduler'

# The scheduler alone
kk control --controllers=scheduler""",
    flags=(
        CLUSTER,
        Flag("kubeconfig", help="Credentials for both; those of the local cluster's own identities if not given."),
        Flag("controllers", default="*", help="Controllers to run."),
        Flag(
            "cluster-signing-cert-file",
            help="CA that signs certificate requests; the local cluster's own if not given.",
        ),
        Flag("cluster-signing-key-file", help="That CA's key."),
        Flag(
            "cluster-signing-duration",
            type="duration",
            help="How long such certificates live at most; a year if not given.",
        ),
        Flag("leader-elect", type="bool", help="Act only while holding a Lease, so that several can run."),
    ),
    section=SECTION,
)
