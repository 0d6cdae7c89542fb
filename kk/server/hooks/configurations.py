"""The webhooks that are configured, ready for matching: all of one sort in the order in which they are asked.

Configurations are asked in the order of their names, and the webhooks of one in the order in which it lists them. The list is made anew when
a configuration changed, which costs a write that concerns no webhook one comparison. Calls nobody.
"""

from dataclasses import dataclass, field
from typing import Any

from kk.base.selectors import LabelSelector, from_label_selector
from kk.server.context import Server

Obj = dict[str, Any]
GROUP = "admissionregistration.k8s.io"
#: what webhooks may hear of
OPERATIONS = ("CONNECT", "CREATE", "DELETE", "UPDATE")
MUTATING, VALIDATING = "mutatingwebhookconfigurations", "validatingwebhookconfigurations"


@dataclass(frozen=True, slots=True, eq=False)
class Hook:
    """One webhook. `key` tells it from all others, `facts` is what the configuration says, `memory` keeps what was compiled of it."""

    name: str
    configuration: str
    key: str
    facts: Obj
    rules: tuple[Obj, ...]
    namespaces: LabelSelector
    objects: LabelSelector
    equivalent: bool
    ignores_failure: bool
    timeout: float
    memory: Obj = field(default_factory=dict)


def hooks(server: Server, plural: str) -> list[Hook]:
    """The webhooks of a sort (MUTATING or VALIDATING)."""
    shelf = server.cache.shelves.get((GROUP, plural))
    if shelf is None or not shelf.items:
        return []
    held: tuple[int, list[Hook]] | None = server.state.get(plural)
    if held is None or held[0] != shelf.version:
        found = [hook for obj in server.cache.iterate(GROUP, plural) for hook in compiled(obj)]
        held = server.state[plural] = (shelf.version, found)
    return held[1]


def compiled(configuration: Obj) -> list[Hook]:
    """The webhooks of one configuration."""
    name, seen = configuration["metadata"]["name"], {}  # type: ignore[var-annotated]
    found = []
    for facts in configuration.get("webhooks") or ():
        count = seen[facts["name"]] = seen.get(facts["name"], -1) + 1
        found.append(
            Hook(
                name=facts["name"],
                configuration=name,
                key=f"{name}/{facts['name']}/{count}",
                facts=facts,
                rules=tuple(facts.get("rules") or ()),
                namespaces=from_label_selector(facts.get("namespaceSelector") or {}),
                objects=from_label_selector(facts.get("objectSelector") or {}),
                equivalent=facts.get("matchPolicy") != "Exact",
                ignores_failure=facts.get("failurePolicy") == "Ignore",
                timeout=float(facts.get("timeoutSeconds") or 10),
            )
        )
    return found
