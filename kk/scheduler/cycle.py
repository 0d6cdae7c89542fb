"""One decision: filter the nodes, score those that fit, choose; or say of each node why not. Pure.

The order of steps and the words follow kubernetes/kubernetes `pkg/scheduler/schedule_one.go` and `framework/types.go` (FitError).
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kk.scheduler.framework import MAX_SCORE, Failure, NodeInfo, Plugin, PodInfo

#: a cluster of more nodes than this is searched only until enough fit (upstream's minFeasibleNodesToFind)
ENOUGH = 100


@dataclass(frozen=True, slots=True)
class Decision:
    """The node, or what every node failed for."""

    node: str = ""
    failures: dict[str, tuple[Plugin, Failure]] = field(default_factory=dict)
    nodes: int = 0
    victims: bool = False  # a node that could be freed has pods of lower priority

    def message(self) -> str:
        """Upstream's sentence for a pod that fits nowhere."""
        if not self.nodes:
            return "no nodes available to schedule pods"
        reasons = Counter(reason for _, failure in self.failures.values() for reason in failure.reasons)
        listed = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
        return f"0/{self.nodes} nodes are available: {listed}.{self._preemption()}"

    def _preemption(self) -> str:
        """What preemption says where it finds no victims; pods of lower priority are never evicted here, so nothing is said where there are some."""
        if self.victims:
            return ""
        helpful = sum(1 for _, failure in self.failures.values() if failure.resolvable)
        parts = []
        if helpful:
            parts.append(f"{helpful} No preemption victims found for incoming pod")
        if len(self.failures) > helpful:
            parts.append(f"{len(self.failures) - helpful} Preemption is not helpful for scheduling")
        return f" preemption: 0/{self.nodes} nodes are available: {', '.join(sorted(parts))}."

    @property
    def plugins(self) -> frozenset[str]:
        """Names of the plugins that refused."""
        return frozenset(plugin.name for plugin, _ in self.failures.values())


def decide(
    pod: PodInfo,
    nodes: Sequence[NodeInfo],
    plugins: Iterable[Plugin],
    start: int = 0,
    choose: random.Random | None = None,
) -> Decision:
    """Choose a node. `start` is where the search of a large cluster begins; equal scores are decided by chance, as upstream does."""
    plugins = sorted(plugins, key=lambda p: p.order)
    filters = [p for p in plugins if p.filter and p.concerns(pod)]
    failures: dict[str, tuple[Plugin, Failure]] = {}
    fitting: list[NodeInfo] = []
    enough = wanted(len(nodes))
    for step in range(len(nodes)):
        node = nodes[(start + step) % len(nodes)]
        refused = _refused(pod, node, filters)
        if refused:
            failures[node.name] = refused
        else:
            fitting.append(node)
            if len(fitting) >= enough:
                break
    if not fitting:
        lower = any(
            f.resolvable and any(p.priority < pod.priority for p in n.pods.values())
            for n in nodes
            if (f := failures[n.name][1])
        )
        return Decision(failures=failures, nodes=len(nodes), victims=lower)
    return Decision(best(pod, fitting, plugins, choose or random.Random()), failures, len(nodes))


def wanted(nodes: int) -> int:
    """How many fitting nodes are enough: all of a small cluster, fewer of a large one (upstream: 50 % less one per 125 nodes, at least 5 %)."""
    if nodes <= ENOUGH:
        return nodes
    return max(ENOUGH, nodes * max(5, 50 - nodes // 125) // 100)


def _refused(pod: PodInfo, node: NodeInfo, filters: Iterable[Plugin]) -> tuple[Plugin, Failure] | None:
    for plugin in filters:
        assert plugin.filter
        failure = plugin.filter(pod, node)
        if failure:
            return plugin, failure
    return None


def best(pod: PodInfo, nodes: Sequence[NodeInfo], plugins: Iterable[Plugin], choose: random.Random) -> str:
    """The node with the highest weighted sum."""
    if len(nodes) == 1:
        return nodes[0].name
    totals = [0.0] * len(nodes)
    for plugin in plugins:
        if plugin.score and plugin.concerns_score(pod):
            scores = normalized([plugin.score(pod, node) for node in nodes], plugin.normalize)
            totals = [total + plugin.weight * score for total, score in zip(totals, scores)]
    top = max(totals)
    return choose.choice([node.name for node, total in zip(nodes, totals) if total == top])


def normalized(scores: list[float], how: str) -> list[float]:
    """Scores as 0..100."""
    top = max(scores)
    if not how:
        return scores
    if not top:
        return [MAX_SCORE if how == "reverse" else 0.0 for _ in scores]
    if how == "reverse":
        return [MAX_SCORE - s * MAX_SCORE / top for s in scores]
    return [s * MAX_SCORE / top for s in scores]
