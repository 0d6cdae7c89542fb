"""autoscaling/v1 of a HorizontalPodAutoscaler: CPU in fields, everything else in annotations; and the text of the column Targets.

The rules are those of `pkg/apis/autoscaling/v1/conversion.go` and of printHorizontalPodAutoscaler in Kubernetes.
"""

import json
from typing import Any

Obj = dict[str, Any]
DEFAULT_CPU = 80
_PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, CURRENT = _PREFIX + "metrics", _PREFIX + "current-metrics"
CONDITIONS, BEHAVIOR = _PREFIX + "conditions", _PREFIX + "behavior"
_ALL = (METRICS, CURRENT, CONDITIONS, BEHAVIOR)
#: source in v2 → its field
_SOURCES = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "External": "external",
}


def cpu_metric(percent: int) -> Obj:
    """The metric that targetCPUUtilizationPercentage stands for."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _clean(obj: Obj) -> Obj:
    return {key: value for key, value in obj.items() if value is not None}


def _is_cpu(metric: Obj, part: str) -> bool:
    source = metric.get("resource") or {}
    return (
        metric.get("type") == "Resource"
        and source.get("name") == "cpu"
        and (source.get(part) or {}).get("averageUtilization") is not None
    )


def _old_source(kind: str, source: Obj, part: str, word: str) -> Obj:
    """A metric source as v1 has it; part is target or current, word its prefix there."""
    amount, metric = source.get(part) or {}, source.get("metric") or {}
    value, average = amount.get("value"), amount.get("averageValue")
    if kind == "Object":
        shown = {
            "target": source.get("describedObject"),
            "metricName": metric.get("name", ""),
            f"{word}Value": value or "0",
            "selector": metric.get("selector"),
            "averageValue": average,
        }
    elif kind == "Pods":
        shown = {
            "metricName": metric.get("name", ""),
            f"{word}AverageValue": average,
            "selector": metric.get("selector"),
        }
    elif kind == "External":
        shown = {
            "metricName": metric.get("name", ""),
            "metricSelector": metric.get("selector"),
            f"{word}Value": value,
            f"{word}AverageValue": average,
        }
    else:
        shown = {
            "name": source.get("name", ""),
            f"{word}AverageUtilization": amount.get("averageUtilization"),
            f"{word}AverageValue": average,
        }
        if kind == "ContainerResource":
            shown["container"] = source.get("container", "")
    return _clean(shown)


def _old_metric(metric: Obj, part: str, word: str) -> Obj:
    kind = metric.get("type", "")
    field = _SOURCES.get(kind)
    made: Obj = {"type": kind}
    if field and metric.get(field) is not None:
        made[field] = _old_source(kind, metric[field], part, word)
    return made


def _new_amount(part: str, utilization: Any, value: Any, average: Any) -> Obj:
    amount: Obj = {}
    if part == "target":
        kind = "Utilization" if utilization is not None else "AverageValue" if average is not None else "Value"
        amount["type"] = kind
    if value is not None and (average is None or part == "current"):
        amount["value"] = value
    return amount | _clean({"averageValue": average, "averageUtilization": utilization})


def _new_metric(metric: Obj, part: str, word: str) -> Obj:
    kind = metric.get("type", "")
    field = _SOURCES.get(kind)
    if not field or not isinstance(metric.get(field), dict):
        return {"type": kind}
    source = metric[field]
    average = source.get(f"{word}AverageValue", source.get("averageValue"))
    amount = _new_amount(part, source.get(f"{word}AverageUtilization"), source.get(f"{word}Value"), average)
    named = _clean(
        {"name": source.get("metricName", ""), "selector": source.get("selector") or source.get("metricSelector")}
    )
    if kind == "Object":
        made = {"describedObject": source.get("target") or {}, "metric": named, part: amount}
    elif kind in ("Pods", "External"):
        made = {"metric": named, part: amount}
    else:
        made = {"name": source.get("name", ""), part: amount}
        if kind == "ContainerResource":
            made["container"] = source.get("container", "")
    return {"type": kind, field: made}


def _go_rules(rules: Obj | None) -> Obj | None:
    if rules is None:
        return None
    policies = [
        {"Type": p.get("type", ""), "Value": p.get("value", 0), "PeriodSeconds": p.get("periodSeconds", 0)}
        for p in rules.get("policies") or ()
    ]
    return {
        "StabilizationWindowSeconds": rules.get("stabilizationWindowSeconds"),
        "SelectPolicy": rules.get("selectPolicy"),
        "Policies": policies or None,
        "Tolerance": rules.get("tolerance"),
    }


def _from_go_rules(rules: Obj | None) -> Obj | None:
    if not isinstance(rules, dict):
        return None
    policies = [
        {"type": p.get("Type", ""), "value": p.get("Value", 0), "periodSeconds": p.get("PeriodSeconds", 0)}
        for p in rules.get("Policies") or ()
    ]
    return _clean(
        {
            "stabilizationWindowSeconds": rules.get("StabilizationWindowSeconds"),
            "selectPolicy": rules.get("SelectPolicy"),
            "policies": policies or None,
            "tolerance": rules.get("Tolerance"),
        }
    )


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _read(annotations: Obj, key: str, kind: type) -> Any:
    try:
        found = json.loads(annotations.get(key) or "null")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, kind) else None


def from_v2(obj: Obj) -> Obj:
    """v2 as v1."""
    spec, status, meta = obj.get("spec") or {}, obj.get("status") or {}, dict(obj.get("metadata") or {})
    annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k not in _ALL}
    made_spec = {key: spec[key] for key in ("scaleTargetRef", "minReplicas", "maxReplicas") if key in spec}
    others = []
    for metric in spec.get("metrics") or ():
        if _is_cpu(metric, "target") and "targetCPUUtilizationPercentage" not in made_spec:
            made_spec["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
        else:
            others.append(_old_metric(metric, "target", "target"))
    if others:
        annotations[METRICS] = _text(others)
    if spec.get("behavior"):
        up, down = spec["behavior"].get("scaleUp"), spec["behavior"].get("scaleDown")
        annotations[BEHAVIOR] = _text({"ScaleUp": _go_rules(up), "ScaleDown": _go_rules(down)})
    made_status = {key: status[key] for key in ("observedGeneration", "lastScaleTime") if key in status}
    made_status["currentReplicas"] = status.get("currentReplicas") or 0
    made_status["desiredReplicas"] = status.get("desiredReplicas") or 0
    current = status.get("currentMetrics") or ()
    for metric in current:
        if _is_cpu(metric, "current"):
            made_status["currentCPUUtilizationPercentage"] = metric["resource"]["current"]["averageUtilization"]
            break
    if current:
        annotations[CURRENT] = _text([_old_metric(m, "current", "current") for m in current])
    if status.get("conditions"):
        order = ("type", "status", "lastTransitionTime", "reason", "message")
        annotations[CONDITIONS] = _text([{k: c[k] for k in order if k in c} for c in status["conditions"]])
    meta.pop("annotations", None)
    if annotations:
        meta["annotations"] = dict(sorted(annotations.items()))
    return {
        "kind": obj["kind"],
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": made_spec,
        "status": made_status,
    }


def to_v2(obj: Obj) -> Obj:
    """v1 as v2; annotations that cannot be read count as absent."""
    spec, status, meta = dict(obj.get("spec") or {}), dict(obj.get("status") or {}), dict(obj.get("metadata") or {})
    annotations = meta.get("annotations") or {}
    metrics = [
        _new_metric(m, "target", "target") for m in _read(annotations, METRICS, list) or () if isinstance(m, dict)
    ]
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    if percent is not None:
        metrics.append(cpu_metric(percent))
    spec["metrics"] = metrics or [cpu_metric(DEFAULT_CPU)]
    behavior = _read(annotations, BEHAVIOR, dict)
    if behavior:
        rules = {"scaleUp": behavior.get("ScaleUp"), "scaleDown": behavior.get("ScaleDown")}
        spec["behavior"] = _clean({key: _from_go_rules(value) for key, value in rules.items()})
    _status_to_v2(status, annotations)
    kept = {k: v for k, v in annotations.items() if k not in _ALL}
    meta.pop("annotations", None)
    if kept:
        meta["annotations"] = kept
    return {"kind": obj.get("kind"), "apiVersion": "autoscaling/v2", "metadata": meta, "spec": spec, "status": status}


def _status_to_v2(status: Obj, annotations: Obj) -> None:
    percent = status.pop("currentCPUUtilizationPercentage", None)
    current = [
        _new_metric(m, "current", "current") for m in _read(annotations, CURRENT, list) or () if isinstance(m, dict)
    ]
    if not current and percent is not None:
        current = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": percent}}}]
    status["currentMetrics"] = current or None
    if not status.get("currentReplicas"):
        status.pop("currentReplicas", None)
    status.setdefault("desiredReplicas", 0)
    conditions = _read(annotations, CONDITIONS, list)
    if conditions:
        status["conditions"] = conditions


# the column Targets


def _one_target(metric: Obj, current: Obj) -> str:
    kind = metric.get("type", "")
    field = _SOURCES.get(kind, "")
    source, now = metric.get(field) or {}, (current.get(field) or {}).get("current") or {}
    target = source.get("target") or {}
    prefix = f"{source.get('name', '')}: " if kind in ("Resource", "ContainerResource") else ""
    if kind in ("External", "Object") and target.get("averageValue") is None:
        return f"{now.get('value') or '<unknown>'}/{target.get('value') or '<auto>'}"
    if kind in ("Resource", "ContainerResource") and target.get("averageValue") is None:
        percent = now.get("averageUtilization")
        asked = target.get("averageUtilization")
        shown = "<unknown>" if percent is None else f"{percent}%"
        return f"{prefix}{shown}/{'<auto>' if asked is None else f'{asked}%'}"
    average = " (avg)" if kind in ("External", "Object") else ""
    return f"{prefix}{now.get('averageValue') or '<unknown>'}/{target.get('averageValue')}{average}"


def targets_text(obj: Obj) -> str:
    """The first two metrics as current/target, and how many more there are."""
    metrics = (obj.get("spec") or {}).get("metrics") or ()
    if not metrics:
        return "<none>"
    current = (obj.get("status") or {}).get("currentMetrics") or ()
    shown = [_one_target(m, current[i] if i < len(current) else {}) for i, m in enumerate(metrics[:2])]
    more = f" + {len(metrics) - 2} more..." if len(metrics) > 2 else ""
    return ", ".join(shown) + more
