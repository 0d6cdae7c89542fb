"""`kk apply --prune`: deletes what an earlier apply made and the manifests no longer hold."""

from __future__ import annotations

from ..command import Options
from ..context import Env, dry_run
from ..errors import CommandError
from ..resources import Item, collection
from ..results import Results
from ..writing import last_applied

DEFAULT = (
    "core/v1/Namespace",
    "core/v1/ConfigMap",
    "core/v1/Endpoints",
    "core/v1/PersistentVolumeClaim",
    "core/v1/PersistentVolume",
    "core/v1/Pod",
    "core/v1/ReplicationController",
    "core/v1/Secret",
    "core/v1/Service",
    "batch/v1/Job",
    "batch/v1/CronJob",
    "networking.k8s.io/v1/Ingress",
    "apps/v1/DaemonSet",
    "apps/v1/Deployment",
    "apps/v1/ReplicaSet",
    "apps/v1/StatefulSet",
)


def prune(env: Env, options: Options, kept: list[Item], results: Results) -> None:
    """Delete every object of the allowed kinds that carries a last-applied configuration, matches the selector and is not kept."""
    uids = {((i.obj or {}).get("metadata") or {}).get("uid") for i in kept}
    spaces = {i.namespace for i in kept if i.namespace} or {env.namespace}
    for text in options.prune_allowlist or DEFAULT:
        group, _, rest = text.partition("/")
        version, _, kind = rest.partition("/")
        if not kind:
            raise CommandError(f"invalid GroupVersionKind format: {text}, please follow <group/version/kind>")
        api_version = version if group in ("core", "") else f"{group}/{version}"
        resource = env.find_kind(api_version, kind)
        if resource is None:
            continue
        for space in sorted(spaces) if resource.namespaced else [""]:
            query = {"labelSelector": options.selector} if options.selector else {}
            page = env.client.request("GET", collection(resource, space), query=query).json()
            for obj in page.get("items") or ():
                meta = obj["metadata"]
                if last_applied(obj) is None or meta.get("uid") in uids:
                    continue
                item = Item(resource, meta.get("namespace", ""), meta["name"], obj)
                if dry_run(env) == "none":
                    policy = {"propagationPolicy": options.cascade.capitalize()}
                    env.client.request("DELETE", item.path(), body=policy)
                results.tell(Item(resource, item.namespace, item.name), "pruned")
