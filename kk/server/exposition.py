"""Prometheus' text form, and OpenMetrics where a scraper asks for it: families of samples in, a page out.

Pure; who counts what stands in kk.server.metrics and kk.server.endpoints.metrics.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

TEXT = b"text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
OPEN = b"application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
Labels = Mapping[str, str]


@dataclass(slots=True)
class Family:
    """One metric: kind is counter, gauge or histogram; samples are (suffix of the name, labels, value)."""

    name: str
    kind: str
    help: str
    samples: list[tuple[str, Labels, float]] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> "Family":
        """One sample more."""
        self.samples.append(("", labels, value))
        return self

    def histogram(self, labels: Labels, bounds: Sequence[float], buckets: Sequence[int], seconds: float) -> None:
        """The samples of one histogram: buckets hold what lies below each bound and above the one before, the last all the rest."""
        total = 0
        for bound, count in zip(bounds, buckets):
            total += count
            self.samples.append(("_bucket", {**labels, "le": number(bound)}, total))
        total += buckets[len(bounds)]
        self.samples.append(("_bucket", {**labels, "le": "+Inf"}, total))
        self.samples.append(("_sum", labels, seconds))
        self.samples.append(("_count", labels, total))


def wants_open(accept: str) -> bool:
    """Whether a scraper prefers OpenMetrics: it names that before plain text."""
    for clause in accept.split(","):
        media = clause.split(";")[0].strip()
        if media == "application/openmetrics-text":
            return True
        if media in ("text/plain", "*/*", "text/*"):
            return False
    return False


def page(families: Iterable[Family], openmetrics: bool = False) -> bytes:
    """All families, those without samples left out."""
    lines = [line for family in families if family.samples for line in _family(family, openmetrics)]
    if openmetrics:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode()


def _family(family: Family, openmetrics: bool) -> Iterator[str]:
    name = family.name.removesuffix("_total") if openmetrics and family.kind == "counter" else family.name
    yield f"# HELP {name} {family.help}"
    yield f"# TYPE {name} {family.kind}"
    total = "_total" if openmetrics and family.kind == "counter" else ""
    for suffix, labels, value in family.samples:
        pairs = ",".join(f'{k}="{_escape(v)}"' for k, v in sorted(labels.items(), key=_place))
        yield f"{name}{suffix}{total}{{{pairs}}} {number(value)}" if pairs else f"{name}{suffix}{total} {number(value)}"


def _place(label: tuple[str, str]) -> tuple[bool, str]:
    """Labels stand in the order of their names, a bucket's bound last, as Prometheus' own library prints them."""
    return label[0] == "le", label[0]


def number(value: float) -> str:
    """A number as Prometheus prints it."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
