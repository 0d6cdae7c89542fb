"""TaintToleration: NoSchedule and NoExecute taints refuse, PreferNoSchedule ones cost score."""

from kk.scheduler.framework import Failure, NodeInfo, Plugin, PodInfo, tolerates


def check(pod: PodInfo, node: NodeInfo) -> Failure | None:
    """Name the first taint that nothing tolerates."""
    if not node.taints:
        return None
    tolerations = pod.pod["spec"].get("tolerations") or ()
    for taint in node.taints:
        if taint.get("effect") in ("NoSchedule", "NoExecute") and not tolerates(tolerations, taint):
            return Failure((f"node(s) had untolerated taint {{{taint.get('key', '')}: {taint.get('value') or ''}}}",))
    return None


def score(pod: PodInfo, node: NodeInfo) -> float:
    """How many soft taints the pod does not tolerate."""
    if not node.taints:
        return 0
    mine = [t for t in pod.pod["spec"].get("tolerations") or () if t.get("effect") in (None, "", "PreferNoSchedule")]
    return sum(1 for taint in node.taints if taint.get("effect") == "PreferNoSchedule" and not tolerates(mine, taint))


PLUGIN = Plugin("TaintToleration", 3, filter=check, score=score, weight=3, normalize="reverse")
