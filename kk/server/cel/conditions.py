"""matchConditions: expressions that must all hold for a webhook or a policy to hear of a write.

A condition that is false decides, whatever else went wrong (k8s.io/apiserver `pkg/admission/plugin/webhook/matchconditions`).
"""

from typing import Any

from kk.server.cel import expressions
from kk.server.cel.environment import Program
from kk.server.cel.values import CelError
from kk.server.context import Attributes

Obj = dict[str, Any]
_BUDGET = 2_500_000


class Broken(ValueError):
    """A condition that could not be evaluated; `error` says why, `expression` which."""

    def __init__(self, name: str, expression: str, error: CelError):
        super().__init__(str(error))
        self.name, self.expression, self.error = name, expression, error


def matches(programs: "list[tuple[str, Program]]", bound: Obj) -> bool:
    """Whether all conditions hold. Raises Broken where one cannot be evaluated and none is false."""
    broken: Broken | None = None
    left = _BUDGET
    for name, program in programs:
        try:
            holds, cost = program.run(bound, left)
            left -= cost
            if holds is not True:
                return False
        except CelError as error:
            broken = broken or Broken(name, program.expression, error)
    if broken is not None:
        raise broken
    return True


def hold(hook: Any, conditions: "list[Obj]", a: Attributes, obj: "Obj | None", old: "Obj | None") -> bool:
    """Whether the conditions of a webhook hold; compiled once for each hook. Raises ValueError in upstream's words."""
    programs = hook.memory.get(__name__)
    if programs is None:
        scope = expressions.Scope(namespace=False)
        programs = hook.memory[__name__] = [(c.get("name") or "", scope.compile(c["expression"])) for c in conditions]
    from kk.server.hooks import forms

    kind = forms.kind_of(a, a.resource)
    try:
        return matches(programs, expressions.bind(a, obj, old, expressions.request_of(a, kind, kind, a.resource)))
    except Broken as broken:
        raise ValueError(f"expression '{broken.expression}' resulted in error: {broken.error}") from None
