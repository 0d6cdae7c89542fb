"""Cordoning and draining of nodes: which pods may go (pure), and evicting them.

The rules and words are those of k8s.io/kubectl `pkg/drain`.
"""

from __future__ import annotations

import threading
import time

from .command import Options
from .context import Env, dry_run
from .errors import CommandError
from .resources import Item, select
from .results import Results

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Obj = dict[str, Any]

_RETRY = 5.0
_MIRROR = "kubernetes.io/config.mirror"

#: why pods may not go, or what is told when they go all the same: (fatal text, warning)
DAEMONSET = ("DaemonSet-managed Pods (use --ignore-daemonsets to ignore)", "ignoring DaemonSet-managed Pods")
LOCAL = ("Pods with local storage (use --delete-emptydir-data to override)", "deleting Pods with local storage")
NO_CONTROLLER = (
    "Pods that declare no controller (use --force to override)",
    "deleting Pods that declare no controller",
)
ORPHAN = ("DaemonSet-managed Pods without their DaemonSet (use --force to override)", "")


def cordon(env: Env, options: Options, verb: str, unschedulable: bool) -> list[Item]:
    """Mark nodes as unschedulable, or as schedulable; the nodes."""
    if not options.args and not options.selector:
        raise env.usage(f"USAGE: {verb} NODE [flags]", verb)
    if options.args and options.selector:
        raise CommandError("error: cannot specify both a node name and a --selector option")
    words = ["nodes", *options.args] if options.args and "/" not in options.args[0] else options.args or ["nodes"]
    selection = select(env, words, everything=False, files=False)
    found: list[Item] = []
    selection.each(lambda item: found.append(_mark(env, item, unschedulable)))
    return found


def _mark(env: Env, item: Item, unschedulable: bool) -> Item:
    assert item.obj is not None
    word = "cordoned" if unschedulable else "uncordoned"
    results = Results(env, word)
    if bool(item.obj.get("spec", {}).get("unschedulable")) is unschedulable:
        results.tell(item, f"already {word}")
        return item
    if dry_run(env) != "client":
        from .writing import STRATEGIC_PATCH, patch

        item.obj = patch(env, item, {"spec": {"unschedulable": True if unschedulable else None}}, STRATEGIC_PATCH)
    results.tell(item)
    return item


# ---- which pods may go ----


def verdict(pod: Obj, options: Any, daemonsets: set[tuple[str, str]]) -> tuple[bool, str, str]:
    """(whether the pod goes, a fatal reason, a warning); daemonsets are the (namespace, name) that exist."""
    meta = pod["metadata"]
    if _MIRROR in (meta.get("annotations") or {}):
        return False, "", ""
    controller = next((r for r in meta.get("ownerReferences") or () if r.get("controller")), None)
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    if controller and controller["kind"] == "DaemonSet" and not finished:
        if (meta["namespace"], controller["name"]) not in daemonsets:
            return (True, "", "") if options.force else (False, ORPHAN[0], "")
        if options.ignore_daemonsets:
            return False, "", DAEMONSET[1]
        return False, DAEMONSET[0], ""
    warning = ""
    if not finished and any("emptyDir" in v for v in pod["spec"].get("volumes") or ()):
        if not options.delete_emptydir_data:
            return False, LOCAL[0], ""
        warning = LOCAL[1]
    if not finished and controller is None:
        if not options.force:
            return False, NO_CONTROLLER[0], ""
        warning = NO_CONTROLLER[1]
    return True, "", warning


def sorted_out(pods: list[Obj], options: Any, daemonsets: set[tuple[str, str]]) -> tuple[list[Obj], str, str]:
    """(the pods that go, all fatal reasons as one text, all warnings as one text)."""
    going: list[Obj] = []
    fatal: dict[str, list[str]] = {}
    warnings: dict[str, list[str]] = {}
    for pod in pods:
        goes, reason, warning = verdict(pod, options, daemonsets)
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if goes:
            going.append(pod)
        if reason:
            fatal.setdefault(reason, []).append(name)
        elif warning:
            warnings.setdefault(warning, []).append(name)
    return going, _joined(fatal, "cannot delete "), _joined(warnings, "")


def _joined(found: dict[str, list[str]], prefix: str) -> str:
    texts = [f"{prefix}{reason}: {', '.join(names)}" for reason, names in sorted(found.items())]
    return (", " if prefix else "; ").join(texts)


# ---- evicting ----


def drain(env: Env, options: Options, node: Item) -> None:
    """Evict or delete the pods of a node and wait until they are gone.

    Raises CommandError where pods stay.
    """
    query = {"fieldSelector": f"spec.nodeName={node.name}"}
    if options.pod_selector:
        query["labelSelector"] = options.pod_selector
    pods = env.client.request("GET", "/api/v1/pods", query=query).json()["items"]
    owners = {r["kind"] for p in pods for r in p["metadata"].get("ownerReferences") or ()}
    daemonsets: set[tuple[str, str]] = set()
    if "DaemonSet" in owners:
        found = env.client.request("GET", "/apis/apps/v1/daemonsets").json()["items"]
        daemonsets = {(d["metadata"]["namespace"], d["metadata"]["name"]) for d in found}
    going, fatal, warnings = sorted_out(pods, options, daemonsets)
    if fatal:
        raise CommandError(fatal)
    if warnings:
        env.err(f"Warning: {warnings}")
    _Going(env, options).all(going)


class _Going:
    """Pods on their way out, each in a thread of its own."""

    def __init__(self, env: Env, options: Options):
        self.env, self.options = env, options
        self.end = time.monotonic() + options.timeout if options.timeout else None
        self.lock = threading.Lock()
        self.errors: list[Exception] = []
        self.evict = not options.disable_eviction

    def all(self, pods: list[Obj]) -> None:
        """Until all are gone; raises what went wrong."""
        threads = [threading.Thread(target=self._one, args=(pod,), daemon=True) for pod in pods]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.errors:
            raise (
                self.errors[0]
                if len(self.errors) == 1
                else CommandError("[" + ", ".join(str(e) for e in self.errors) + "]")
            )

    def _say(self, text: str, error: bool = False) -> None:
        with self.lock:
            (self.env.err if error else self.env.out)(text)

    def _one(self, pod: Obj) -> None:
        from kk.base.errors import StatusError

        try:
            if self._send(pod):
                self._gone(pod)
        except (StatusError, CommandError, OSError) as error:
            self.errors.append(error)

    def _send(self, pod: Obj) -> bool:
        """Ask for the pod's end; False where it is only a dry run."""
        from kk.base.errors import StatusError

        meta = pod["metadata"]
        where = f"{meta['namespace']}/{meta['name']}"
        mode = dry_run(self.env)
        suffix = {"client": " (dry run)", "server": " (server dry run)"}.get(mode, "")
        self._say(f"{'evicting' if self.evict else 'deleting'} pod {where}{suffix}")
        if mode == "client":
            return False
        while True:
            try:
                self._request(meta, mode == "server")
                return mode == "none"
            except StatusError as error:
                if error.code == 404:
                    return False
                if error.code != 429 or not self.evict:
                    doing = "evicting" if self.evict else "deleting"
                    raise CommandError(
                        f'error when {doing} pods/"{meta["name"]}" -n "{meta["namespace"]}": {error}'
                    ) from None
                self._say(
                    f'error when evicting pods/"{meta["name"]}" -n "{meta["namespace"]}" (will retry after 5s): {error}',
                    error=True,
                )
            if self.end is not None and time.monotonic() + _RETRY > self.end:
                raise CommandError(
                    f'error when evicting pods/"{meta["name"]}" -n "{meta["namespace"]}": global timeout reached: '
                    f"{self._limit()}"
                )
            threading.Event().wait(_RETRY)

    def _limit(self) -> str:
        from kk.base.times import format_duration

        return format_duration(self.options.timeout)

    def _request(self, meta: Obj, dry: bool) -> None:
        grace = self.options.grace_period
        options: Obj = {"gracePeriodSeconds": grace} if grace >= 0 else {}
        if dry:
            options["dryRun"] = ["All"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if self.evict:
            body = {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
                "deleteOptions": options,
            }
            self.env.client.request("POST", f"{path}/eviction", body=body)
        else:
            self.env.client.request("DELETE", path, body={"kind": "DeleteOptions", "apiVersion": "v1", **options})

    def _gone(self, pod: Obj) -> None:
        from .waiting import TimedOut, until

        meta = pod["metadata"]
        deleted = meta.get("deletionTimestamp")
        skip = self.options.skip_wait_for_delete_timeout
        if deleted and skip:
            from kk.base.times import SYSTEM, parse_time

            if (SYSTEM.now() - parse_time(deleted)).total_seconds() > skip:
                return
        item = Item(self.env.find("pods"), meta["namespace"], meta["name"])
        left = 0.0 if self.end is None else max(self.end - time.monotonic(), 0.001)
        try:
            until(self.env, item, lambda _, obj: obj is None or obj["metadata"].get("uid") != meta.get("uid"), left)
        except TimedOut:
            where = f'pods/"{meta["name"]}" -n "{meta["namespace"]}"'
            raise CommandError(
                f"error when waiting for {where} to terminate: global timeout reached: {self._limit()}"
            ) from None
        self._say(f"pod/{meta['name']} {'evicted' if self.evict else 'deleted'}")
