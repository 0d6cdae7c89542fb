"""PriorityLevelConfiguration: how many requests of a level the API server works on at once, and what it does with the others."""

from typing import Any

from kk.base.errors import forbidden_value, invalid_value, required
from kk.kinds._checks import Errors, Obj, condition_types, fill, go_value, one_of, section
from kk.kinds.kind import AGE, Column, Kind

_MOST_QUEUES = 10_000_000
_SHARES = 30
#: the two levels that always exist, and what they always say
FIXED: dict[str, Obj] = {
    "exempt": {"type": "Exempt"},
    "catch-all": {
        "type": "Limited",
        "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}, "lendablePercent": 0},
    },
}


def default(obj: Obj) -> None:
    """Shares and queues as upstream has them."""
    spec = section(obj, "spec")
    fill(obj, "status", {})
    limited, exempt = spec.get("limited"), spec.get("exempt")
    if exempt is not None:
        fill(exempt, "nominalConcurrencyShares", 0)
        fill(exempt, "lendablePercent", 0)
    if limited is None:
        return
    fill(limited, "nominalConcurrencyShares", _SHARES)
    fill(limited, "lendablePercent", 0)
    queuing = section(limited, "limitResponse").get("queuing")
    if queuing is not None:
        for field, value in (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)):
            if not queuing.get(field):
                queuing[field] = value


def prepare_create(obj: Obj) -> None:
    """Only the server reports a status."""
    obj["status"] = {}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """One of two types, each with its own part; only `exempt` is exempt."""
    spec, name = obj["spec"], obj["metadata"].get("name") or ""
    kind, limited, exempt = spec.get("type") or "", spec.get("limited"), spec.get("exempt")
    if (name == "exempt") != (kind == "Exempt") and kind in ("Exempt", "Limited"):
        yield invalid_value("spec.type", kind, "must be 'Exempt' if and only if `name` is 'exempt'")
    if kind == "Exempt":
        if limited is not None:
            yield forbidden_value("spec.limited", "must be nil if the type is not Limited")
        if exempt is not None:
            yield from _shares("spec.exempt", exempt)
    elif kind == "Limited":
        if exempt is not None:
            yield forbidden_value("spec.exempt", "must be nil if the type is Limited")
        if limited is None:
            yield required("spec.limited", "must not be empty when type is Limited")
        else:
            yield from _limited("spec.limited", limited)
    else:
        yield from one_of("spec.type", kind, ("Exempt", "Limited"))
    if name in FIXED and {k: v for k, v in spec.items() if k not in ("exempt",) and v} != FIXED[name]:
        but = " except the 'spec.exempt' field" if name == "exempt" else ""
        yield invalid_value("spec", _shown(spec), f"spec of '{name}'{but} must equal the fixed value")


def _shown(spec: Obj) -> Obj:
    limited, exempt = spec.get("limited"), spec.get("exempt")
    response = (limited or {}).get("limitResponse") or {}
    queuing = response.get("queuing")
    shown = {
        "Type": response.get("type") or "",
        "Queuing": go_value(queuing, "Queues", "HandSize", "QueueLengthLimit") if queuing else None,
    }
    fields = ("NominalConcurrencyShares", "LimitResponse", "LendablePercent", "BorrowingLimitPercent")
    return {
        "Type": spec.get("type") or "",
        "Limited": None if limited is None else go_value(limited, *fields, LimitResponse=shown),
        "Exempt": None if exempt is None else go_value(exempt, "NominalConcurrencyShares", "LendablePercent"),
    }


def _shares(path: str, part: Obj) -> Errors:
    shares, lend = part.get("nominalConcurrencyShares"), part.get("lendablePercent")
    if shares is not None and shares < 0:
        yield invalid_value(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")
    if lend is not None and not 0 <= lend <= 100:
        yield invalid_value(f"{path}.lendablePercent", lend, "must be between 0 and 100, inclusive")


def _limited(path: str, limited: Obj) -> Errors:
    yield from _shares(path, limited)
    response = limited.get("limitResponse") or {}
    kind, queuing = response.get("type") or "", response.get("queuing")
    where = f"{path}.limitResponse"
    if kind == "Reject":
        if queuing is not None:
            yield forbidden_value(f"{where}.queuing", "must be nil if limited.limitResponse.type is not Limited")
    elif kind == "Queue":
        if queuing is None:
            yield required(f"{where}.queuing", "must not be empty if limited.limitResponse.type is Limited")
        else:
            yield from _queuing(f"{where}.queuing", queuing)
    else:
        yield from one_of(f"{where}.type", kind, ("Queue", "Reject"))
    borrow = limited.get("borrowingLimitPercent")
    if borrow is not None and borrow < 0:
        yield invalid_value(f"{path}.borrowingLimitPercent", borrow, "if specified, must be a non-negative integer")


def _queuing(path: str, queuing: Obj) -> Errors:
    limit, queues, hand = (queuing.get(f) or 0 for f in ("queueLengthLimit", "queues", "handSize"))
    if limit <= 0:
        yield invalid_value(f"{path}.queueLengthLimit", limit, "must be positive")
    if queues <= 0:
        yield invalid_value(f"{path}.queues", queues, "must be positive")
    elif queues > _MOST_QUEUES:
        yield invalid_value(f"{path}.queues", queues, f"must not be greater than {_MOST_QUEUES}")
    if hand <= 0:
        yield invalid_value(f"{path}.handSize", hand, "must be positive")
    elif hand > queues:
        yield invalid_value(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif _entropy(queues, hand) > 60:
        yield invalid_value(
            f"{path}.handSize",
            hand,
            f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than 60",
        )


def _entropy(deck: int, hand: int) -> int:
    """Bits that dealing a hand from a deck takes: of deck × (deck-1) × …"""
    product = 1
    for i in range(hand):
        product *= deck - i
    return product.bit_length()


def _limited_cell(*path: str) -> Any:
    def cell(obj: Obj) -> Any:
        found: Any = obj["spec"].get("limited")
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return "<none>" if found is None else found

    return cell


KIND = Kind(
    "flowcontrol.apiserver.k8s.io/v1",
    "PriorityLevelConfiguration",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=condition_types,
    columns=(
        Column("Type", ".spec.type"),
        Column(
            "NominalConcurrencyShares",
            _limited_cell("nominalConcurrencyShares"),
            describes=".spec.limited.nominalConcurrencyShares",
        ),
        Column(
            "Queues",
            _limited_cell("limitResponse", "queuing", "queues"),
            describes=".spec.limited.limitResponse.queuing.queues",
        ),
        Column(
            "HandSize",
            _limited_cell("limitResponse", "queuing", "handSize"),
            describes=".spec.limited.limitResponse.queuing.handSize",
        ),
        Column(
            "QueueLengthLimit",
            _limited_cell("limitResponse", "queuing", "queueLengthLimit"),
            describes=".spec.limited.limitResponse.queuing.queueLengthLimit",
        ),
        AGE,
    ),
    status=True,
)
