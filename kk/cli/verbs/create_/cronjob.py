"""`kk create cronjob NAME --image=IMAGE --schedule='…'`."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ..create import GENERATOR_FLAGS, build
from .deployment import name_and_command
from .job import job_spec


def run(env: Env, options: Options) -> None:
    """Create the cron job."""
    name, command = name_and_command(env, options, "create cronjob")
    spec = job_spec(name, options.image, command, options.restart or "OnFailure")
    obj = {
        "kind": "CronJob",
        "apiVersion": "batch/v1",
        "metadata": {"name": name},
        "spec": {"schedule": options.schedule, "jobTemplate": {"metadata": {"name": name}, "spec": spec}},
        "status": {},
    }
    build(env, options, "cronjobs", obj, failing="failed to create cronjob")


COMMAND = Command(
    "create cronjob",
    "Create a cron job",
    run,
    usage="NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...]",
    examples="# A job every minute\nkk create cronjob tick --image=busybox --schedule='* * * * *' -- date",
    flags=(
        *GENERATOR_FLAGS,
        Flag("image", required=True, help="Image to run."),
        Flag("restart", help="Restart policy of the pods: OnFailure or Never."),
        Flag("schedule", required=True, help="When to run, in cron's five fields."),
    ),
    aliases=("cj",),
)
