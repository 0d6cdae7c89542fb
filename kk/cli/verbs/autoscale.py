"""`kk autoscale`: a HorizontalPodAutoscaler for a workload."""

from __future__ import annotations

from ..command import Command, Flag, Options
from ..common import DRY_RUN, SAVE_CONFIG, field_manager, filename, output
from ..context import Env, dry_run
from ..errors import CommandError
from ..resources import Item, select
from ..results import Results
from ..writing import annotated, query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def metric(name: str, text: str) -> dict[str, Any]:
    """A resource metric of HPA v2: `80%` is utilization, anything else an average quantity; bare CPU counts thousandths.

    Raises CommandError.
    """
    percent = text[:-1] if text.endswith("%") else text
    if name == "cpu" and text.isdigit():
        text += "m"
    if text.endswith("%"):
        if not percent.isdigit():
            raise CommandError(f'invalid value for --{name}: "{text}"')
        target: dict[str, Any] = {"type": "Utilization", "averageUtilization": int(percent)}
    else:
        from kk.base.quantity import Quantity

        try:
            target = {"type": "AverageValue", "averageValue": Quantity.parse(text).canonical()}
        except ValueError as error:
            raise CommandError(f'invalid value for --{name}: "{text}": {error}') from None
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def autoscaler(options: Any, obj: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The HorizontalPodAutoscaler that the flags and the scaled object make."""
    name = options.name or obj["metadata"]["name"]
    reference = {"kind": obj["kind"], "name": obj["metadata"]["name"], "apiVersion": obj["apiVersion"]}
    spec: dict[str, Any] = {"scaleTargetRef": reference}
    if options.min > 0:
        spec["minReplicas"] = options.min
    spec["maxReplicas"] = options.max
    cpu = options.cpu or (f"{options.cpu_percent}%" if options.cpu_percent >= 0 else "")
    metrics = [metric(kind, text) for kind, text in (("cpu", cpu), ("memory", options.memory)) if text]
    if metrics:
        spec["metrics"] = metrics
    return {
        "kind": "HorizontalPodAutoscaler",
        "apiVersion": "autoscaling/v2",
        "metadata": {"name": name, "namespace": namespace} if namespace else {"name": name},
        "spec": spec,
        "status": {"desiredReplicas": 0, "currentMetrics": None},
    }


def run(env: Env, options: Options) -> None:
    """Create an autoscaler for each object that is meant."""
    if options.max < 1:
        raise CommandError(f"--max=MAXPODS is required and must be at least 1, max: {options.max}")
    if options.max < options.min:
        raise CommandError(
            f"--max=MAXPODS must be larger or equal to --min=MINPODS, max: {options.max}, min: {options.min}"
        )
    results = Results(env, "autoscaled", ordered=True)
    select(env, options.args, everything=False).each(lambda item: _one(env, options, item, results))


def _one(env: Env, options: Options, item: Item, results: Results) -> None:
    assert item.obj is not None
    if "scale" not in item.resource.subresources:
        raise CommandError(f"cannot autoscale a {item.resource.kind}: it has no scale")
    made = autoscaler(options, item.obj, item.namespace if env.namespace_given else "")
    if options.save_config:
        made = annotated(made)
    if dry_run(env) != "client":
        path = f"/apis/autoscaling/v2/namespaces/{item.namespace}/horizontalpodautoscalers"
        made = env.client.request("POST", path, query=query(env), body=made).json()
    results.tell(made)


COMMAND = Command(
    "autoscale",
    "Let a workload's size follow its load",
    run,
    section="Deploy Commands",
    usage="(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY]",
    text="Make a HorizontalPodAutoscaler that keeps the number of pods between bounds, by their use of CPU or memory.",
    examples="""# Between 2 and 10 pods
kk autoscale deployment web --min=2 --max=10

# At most 5 pods, at 80 % of the CPU they asked for
kk autoscale rc web --max=5 --cpu=80%""",
    flags=(
        *output(),
        Flag("cpu", help="Average use of CPU to keep to: a percentage of the request, or a quantity such as 500m."),
        Flag("cpu-percent", type="int", default=-1, hidden=True, help="The same as --cpu=N%."),
        DRY_RUN,
        field_manager("kubectl-autoscale"),
        *filename("that names the objects to scale"),
        Flag("max", type="int", default=-1, required=True, help="The most pods."),
        Flag(
            "memory", help="Average use of memory to keep to: a percentage of the request, or a quantity such as 200Mi."
        ),
        Flag("min", type="int", default=-1, help="The fewest pods; the server's default where not given."),
        Flag("name", help="Name of the autoscaler; the object's where not given."),
        SAVE_CONFIG,
    ),
    complete="resources",
)
