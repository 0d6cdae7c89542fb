"""How priority classes, disruption budgets and autoscalers are described."""

from typing import Any

from kk.kinds.describing import Ask, Obj, Page, events, head, meta, moment, pairs_text, quantity, selector_text, titled

_UNKNOWN = "<unknown>"


def priority_class(obj: Obj, ask: Ask) -> list[str]:
    """The description of a PriorityClass."""
    page = Page()
    page.line(0, "Name:", meta(obj).get("name", ""))
    page.line(0, "Value:", obj.get("value", 0))
    page.line(0, "GlobalDefault:", str(bool(obj.get("globalDefault"))).lower())
    page.line(0, "PreemptionPolicy:", obj.get("preemptionPolicy") or "")
    page.line(0, "Description:", obj.get("description", ""))
    page.line(0, "Annotations:", pairs_text(meta(obj).get("annotations")))
    events(page, ask, obj)
    return page.lines()


def disruption_budget(obj: Obj, ask: Ask) -> list[str]:
    """The description of a PodDisruptionBudget."""
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}
    head(page, obj)
    if spec.get("minAvailable") is not None:
        page.line(0, "Min available:", spec["minAvailable"])
    elif spec.get("maxUnavailable") is not None:
        page.line(0, "Max unavailable:", spec["maxUnavailable"])
    chosen = spec.get("selector")
    page.line(0, "Selector:", "<unset>" if chosen is None else selector_text(chosen))
    page.line(0, "Status:")
    for title, field in (
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ):
        page.line(2, f"{title}:", status.get(field) or 0)
    events(page, ask, obj)
    return page.lines()


# ---- autoscaling ----
def autoscaler(obj: Obj, ask: Ask) -> list[str]:
    """The description of a HorizontalPodAutoscaler of autoscaling/v2."""
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}
    titled(page, obj)
    page.line(0, "CreationTimestamp:", moment(meta(obj).get("creationTimestamp")))
    target = spec.get("scaleTargetRef") or {}
    page.line(0, "Reference:", f"{target.get('kind', '')}/{target.get('name', '')}")
    page.line(0, "Metrics:", "( current / target )")
    current = status.get("currentMetrics") or []
    for place, metric in enumerate(spec.get("metrics") or ()):
        _metric(page, metric, current[place] if place < len(current) else {})
    page.line(0, "Min replicas:", "<unset>" if spec.get("minReplicas") is None else spec["minReplicas"])
    page.line(0, "Max replicas:", spec.get("maxReplicas", 0))
    if spec.get("behavior"):
        page.line(0, "Behavior:")
        for title, field in (("Scale Up", "scaleUp"), ("Scale Down", "scaleDown")):
            _behavior(page, title, spec["behavior"].get(field))
    page.line(
        0,
        f"{target.get('kind', '')} pods:",
        f"{status.get('currentReplicas') or 0} current / {status.get('desiredReplicas') or 0} desired",
    )
    found = status.get("conditions") or []
    if found:
        page.write(0, "Conditions:\n  Type\tStatus\tReason\tMessage\n")
        page.line(1, "----", "------", "------", "-------")
    for c in found:
        page.line(1, c.get("type", ""), c.get("status", ""), c.get("reason", ""), c.get("message", ""))
    events(page, ask, obj)
    return page.lines()


def _metric(page: Page, metric: Obj, current: Obj) -> None:
    kind = metric.get("type") or ""
    field = kind[:1].lower() + kind[1:]
    wanted, seen = metric.get(field) or {}, (current.get(field) or {}).get("current") or {}
    target = wanted.get("target") or {}
    name = ((wanted.get("metric") or {}).get("name")) or wanted.get("name", "")
    if kind in ("Resource", "ContainerResource"):
        where = f'resource {name} of container "{wanted.get("container", "")}" on pods'
        title = where if kind == "ContainerResource" else f"resource {name} on pods"
        if target.get("averageUtilization") is not None:
            _used(page, title, seen, target["averageUtilization"])
        else:
            page.line(1, f"{title}:", f"{_amount(seen, 'averageValue')} / {_amount(target, 'averageValue')}")
        return
    if kind == "Pods":
        page.line(1, f'"{name}" on pods:', f"{_amount(seen, 'averageValue')} / {_amount(target, 'averageValue')}")
        return
    about = wanted.get("describedObject") or {}
    title = f'"{name}" on {about.get("kind", "")}/{about.get("name", "")}' if kind == "Object" else f'"{name}"'
    field = "averageValue" if target.get("averageValue") is not None else "value"
    how = "target average value" if field == "averageValue" else "target value"
    page.line(1, f"{title} ({how}):", f"{_amount(seen, field)} / {_amount(target, field)}")


def _used(page: Page, title: str, seen: Obj, target: int) -> None:
    shown = _UNKNOWN
    if seen.get("averageUtilization") is not None:
        shown = f"{seen['averageUtilization']}% ({_amount(seen, 'averageValue')})"
    page.line(1, f"{title}  (as a percentage of request):", f"{shown} / {target}%")


def _amount(holder: Obj, field: str) -> str:
    value: Any = holder.get(field)
    return _UNKNOWN if value is None else quantity(value)


def _behavior(page: Page, title: str, rules: Obj | None) -> None:
    if rules is None:
        return
    page.line(1, f"{title}:")
    if rules.get("stabilizationWindowSeconds") is not None:
        page.write(2, f"Stabilization Window: {rules['stabilizationWindowSeconds']} seconds\n")
    if not rules.get("policies"):
        return
    page.write(2, f"Select Policy: {rules.get('selectPolicy') or 'Max'}\n")
    page.write(2, "Policies:\n")
    for policy in rules["policies"]:
        page.line(
            3,
            f"- Type: {policy.get('type', '')}",
            f"Value: {policy.get('value', 0)}",
            f"Period: {policy.get('periodSeconds', 0)} seconds",
        )
