"""`kk create token SERVICE_ACCOUNT`: asks for a token; prints it."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...common import output
from ...context import Env, one_name
from ...errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Request the token and print it, or the TokenRequest with -o."""
    name = one_name(env, options.args, "create token")
    spec: dict[str, Any] = {"audiences": list(options.audience) or None}
    if "duration" in options.changed:
        if options.duration <= 0:
            raise CommandError("--duration must be greater than or equal to 1 second")
        spec["expirationSeconds"] = int(options.duration)
    if options.bound_object_kind:
        version = "v1"
        spec["boundObjectRef"] = {
            "kind": options.bound_object_kind,
            "apiVersion": version,
            "name": options.bound_object_name,
        }
        if options.bound_object_uid:
            spec["boundObjectRef"]["uid"] = options.bound_object_uid
    body = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "spec": spec}
    path = f"/api/v1/namespaces/{env.namespace}/serviceaccounts/{name}/token"
    from kk.base.errors import StatusError

    try:
        answer = env.client.request("POST", path, body=body).json()
    except StatusError as error:
        raise CommandError(f"failed to create token: {error.message}") from None
    if options.output:
        from ...results import Results

        Results(env, ordered=True).tell(answer)
        return
    token = (answer.get("status") or {}).get("token")
    if not token:
        raise CommandError("failed to create token: no token in server response")
    env.out(token)


COMMAND = Command(
    "create token",
    "Request a token of a service account",
    run,
    usage="SERVICE_ACCOUNT_NAME",
    examples="# A token of the service account builder\nkk create token builder --duration=10m",
    flags=(
        *output(),
        Flag("audience", type="array", help="Audience that the token is for."),
        Flag("bound-object-kind", help="Kind of object that the token ends with: Pod, Secret or Node."),
        Flag("bound-object-name", help="Name of that object."),
        Flag("bound-object-uid", help="UID of that object."),
        Flag("duration", type="duration", help="How long the token is to live."),
    ),
)
