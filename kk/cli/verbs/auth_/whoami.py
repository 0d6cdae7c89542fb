"""`kk auth whoami`: who the server takes one for."""

from __future__ import annotations

from ...command import Command, Options
from ...common import output
from ...context import Env
from ...printers.table import Columns


def run(env: Env, options: Options) -> None:
    """Print the user."""
    from ...results import Results

    body = {
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {},
        "status": {"userInfo": {}},
    }
    found = env.client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body).json()
    if options.output:
        Results(env, ordered=True).tell(found)
        return
    user = (found.get("status") or {}).get("userInfo") or {}
    rows = [["ATTRIBUTE", "VALUE"], ["Username", user.get("username", "")]]
    if user.get("uid"):
        rows.append(["UID", user["uid"]])
    if user.get("groups"):
        rows.append(["Groups", "[" + " ".join(user["groups"]) + "]"])
    for key, values in sorted((user.get("extra") or {}).items()):
        rows.append([f"Extra: {key}", "[" + " ".join(values) + "]"])
    env.stdout.write(Columns().lines(rows))


COMMAND = Command(
    "auth whoami",
    "Show who the server takes one for",
    run,
    examples="# Who am I?\nkk auth whoami",
    flags=output(),
)
