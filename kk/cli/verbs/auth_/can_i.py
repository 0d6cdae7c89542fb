"""`kk auth can-i`: whether an action would be allowed; exit status 1 for no."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...common import ALL_NAMESPACES
from ...context import Env
from ...errors import CommandError
from ...printers.table import Columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_REVIEWS = "/apis/authorization.k8s.io/v1"


def run(env: Env, options: Options) -> int | None:
    """Answer yes or no, or list everything."""
    if options.list:
        _list(env, options)
        return None
    attributes = _attributes(env, options)
    body = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": attributes}
    status = env.client.request("POST", f"{_REVIEWS}/selfsubjectaccessreviews", body=body).json()["status"]
    if not options.quiet:
        text = "yes" if status.get("allowed") else "no"
        if status.get("reason") and not status.get("allowed"):
            text += f" - {status['reason']}"
        if status.get("evaluationError"):
            text += f" - {status['evaluationError']}"
        env.out(text)
    return None if status.get("allowed") else 1


def _attributes(env: Env, options: Options) -> dict[str, Any]:
    args = options.args
    if len(args) == 2 and args[1].startswith("/"):
        return {"nonResourceAttributes": {"verb": args[0], "path": args[1]}}
    if len(args) not in (2, 3):
        raise CommandError(
            "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.".replace(
                "kubectl", env.prog
            )
        )
    word, _, name = args[1].partition("/")
    name = args[2] if len(args) == 3 else name
    attributes: dict[str, Any] = {"verb": args[0]}
    if word == "*":
        attributes.update(group="*", resource="*", version="*")
        namespaced = True
    else:
        found = env.discovery.find(word)
        if found is None:
            env.warn(f"the server doesn't have a resource type '{word}'\n")
            attributes["resource"], namespaced = word, True
        else:
            namespaced = found.namespaced
            attributes.update(resource=found.name)
            if found.group:
                attributes["group"] = found.group
            if not namespaced:
                group = f" in group '{found.group}'" if found.group else ""
                env.warn(f"resource '{found.name}' is not namespace scoped{group}\n")
    if not options.all_namespaces:
        attributes["namespace"] = env.namespace
    if name:
        attributes["name"] = name
    if options.subresource:
        attributes["subresource"] = options.subresource
    return {"resourceAttributes": attributes}


def _list(env: Env, options: Options) -> None:
    body = {
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "spec": {"namespace": env.namespace},
    }
    status = env.client.request("POST", f"{_REVIEWS}/selfsubjectrulesreviews", body=body).json()["status"]
    rows = [] if options.no_headers else [["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]]
    from kk.kinds._describe_core import rule_rows

    rows.extend(rule_rows([*(status.get("resourceRules") or ()), *(status.get("nonResourceRules") or ())]))
    env.stdout.write(Columns().lines(rows))


COMMAND = Command(
    "auth can-i",
    "Ask whether an action is allowed",
    run,
    usage="VERB [TYPE | TYPE/NAME | NONRESOURCEURL]",
    text='Ask whether an action would be allowed; "*" stands for all verbs or types. The exit status is 0 for yes and 1 for no.',
    examples="""# May I create pods in all namespaces?
kk auth can-i create pods -A

# May that service account list deployments here?
kk auth can-i list deployments --as=system:serviceaccount:hello:builder

# What may I do here?
kk auth can-i --list""",
    flags=(
        ALL_NAMESPACES,
        Flag("list", type="bool", help="List everything that is allowed."),
        Flag("no-headers", type="bool", help="Leave out the line of headers."),
        Flag("quiet", "q", type="bool", help="Say nothing; only the exit status answers."),
        Flag("subresource", help="Sub-resource, such as log or scale."),
    ),
)
