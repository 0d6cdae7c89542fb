"""`kk rollout`: a group; its verbs are in kk.cli.verbs.rollout_."""

from __future__ import annotations

from ..command import Command

COMMAND = Command(
    "rollout",
    "Follow, pause, restart and undo rollouts",
    section="Deploy Commands",
    usage="SUBCOMMAND",
    text="Manage the rollout of deployments, daemonsets and statefulsets.",
    examples="""# Back to the revision before
kk rollout undo deployment/web

# Follow a rollout until it is done
kk rollout status daemonset/logs

# Restart the pods of a deployment
kk rollout restart deployment/web""",
    package="kk.cli.verbs.rollout_",
)
