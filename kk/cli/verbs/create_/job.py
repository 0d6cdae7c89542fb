"""`kk create job NAME --image=IMAGE` and `--from=cronjob/NAME`."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ..create import GENERATOR_FLAGS, build
from .deployment import name_and_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Create the job."""
    name, command = name_and_command(env, options, "create job")
    if bool(options.image) == bool(options.__dict__["from"]):
        raise CommandError("either --image or --from must be specified")
    if options.image:
        obj = {
            "kind": "Job",
            "apiVersion": "batch/v1",
            "metadata": {"name": name},
            "spec": job_spec(name, options.image, command, "Never"),
            "status": {},
        }
    else:
        if command:
            raise CommandError("cannot specify --from and command")
        obj = _of_cronjob(env, name, options.__dict__["from"])
    build(env, options, "jobs", obj, failing="failed to create job")


def job_spec(name: str, image: str, command: list[str], restart: str) -> dict[str, Any]:
    """The spec of a job of one container."""
    container: dict[str, Any] = {"name": name, "image": image}
    if command:
        container["command"] = command
    container["resources"] = {}
    return {"template": {"metadata": {}, "spec": {"containers": [container], "restartPolicy": restart}}}


def _of_cronjob(env: Env, name: str, source: str) -> dict[str, Any]:
    word, slash, cronjob = source.partition("/")
    if not slash:
        raise CommandError("resource(s) were provided, but no name was specified")
    if env.find(word).kind != "CronJob":
        raise CommandError(f"unknown object type {env.find(word).kind}")
    path = f"/apis/batch/v1/namespaces/{env.namespace}/cronjobs/{cronjob}"
    found = env.client.request("GET", path).json()
    template = found["spec"]["jobTemplate"]
    meta = template.get("metadata") or {}
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": found["metadata"]["name"],
        "uid": found["metadata"]["uid"],
        "controller": True,
    }
    annotations = {"cronjob.kubernetes.io/instantiate": "manual", **(meta.get("annotations") or {})}
    metadata: dict[str, Any] = {"name": name}
    if meta.get("labels"):
        metadata["labels"] = meta["labels"]
    metadata.update(annotations=annotations, ownerReferences=[owner])
    return {"kind": "Job", "apiVersion": "batch/v1", "metadata": metadata, "spec": template["spec"], "status": {}}


COMMAND = Command(
    "create job",
    "Create a job",
    run,
    usage="NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]",
    examples="""# A job that prints the date
kk create job clock --image=busybox -- date

# A run of a cron job, now
kk create job backup-now --from=cronjob/backup""",
    flags=(
        *GENERATOR_FLAGS,
        Flag("from", help="The cron job to make a job of, as cronjob/NAME."),
        Flag("image", help="Image to run."),
    ),
)
