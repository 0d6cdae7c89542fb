"""ServiceAccount: each pod runs as an account of its namespace, with the account's token, CA and namespace mounted, and its pull secrets."""

import asyncio

from kk.base import names
from kk.server.admission._shared import MIRROR, Obj, annotations, containers, refuse
from kk.server.cache import Change
from kk.server.context import Attributes, Plugin, Server

#: where clients in pods look for their credentials
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_PREFIX = "kube-api-access-"
#: seconds; one that tells a default token from one that was asked for
_LIFE = 3607
#: seconds that a pod of a new namespace waits for the default account, which a controller makes
_PATIENCE = 2.0
_ENFORCE = "kubernetes.io/enforce-mountable-secrets"


async def mutate(a: Attributes) -> None:
    """Give the pod its account. Raises StatusError 403 where the account is not there."""
    pod = a.obj
    assert pod is not None
    if MIRROR in annotations(pod):
        return
    spec = pod["spec"]
    if not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = spec.get("serviceAccount") or "default"
    spec["serviceAccount"] = spec["serviceAccountName"]
    if spec["serviceAccountName"] == "default":
        await _appears(a.server, a.namespace, "default")
    account = _account(a, spec["serviceAccountName"])
    if _automounts(account, spec):
        _mount(spec)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(s) for s in account["imagePullSecrets"]]


def validate(a: Attributes) -> None:
    """A mirror pod may not run as an account or read secrets; an account may narrow its pods' secrets."""
    pod = a.obj
    assert pod is not None
    spec = pod["spec"]
    if MIRROR in annotations(pod):
        _refuse_mirror(a, spec)
        return
    account = _account(a, spec.get("serviceAccountName", ""))
    if annotations(account).get(_ENFORCE) == "true":
        _limit(a, spec, account)


async def _appears(server: Server, namespace: str, name: str) -> None:
    """Wait a little until an account is there."""
    if server.cache.item("", "serviceaccounts", namespace, name) is not None:
        return
    shelf, made = server.cache.shelves[("", "serviceaccounts")], asyncio.Event()

    def changed(change: Change) -> None:
        if change.item.key == f"{namespace}/{name}" and not change.deleted:
            made.set()

    shelf.listeners.append(changed)
    try:
        async with asyncio.timeout(_PATIENCE):
            await made.wait()
    except TimeoutError:
        return
    finally:
        shelf.listeners.remove(changed)


def _account(a: Attributes, name: str) -> Obj:
    account = a.server.cache.get("", "serviceaccounts", a.namespace, name)
    if account is None:
        raise refuse(a, f'error looking up service account {a.namespace}/{name}: serviceaccount "{name}" not found')
    return account


def _automounts(account: Obj, spec: Obj) -> bool:
    for holder in (spec, account):
        if holder.get("automountServiceAccountToken") is not None:
            return bool(holder["automountServiceAccountToken"])
    return True


def _mount(spec: Obj) -> None:
    """Add the token volume, and mount it wherever nothing is mounted at its place."""
    volume = next((v["name"] for v in spec.get("volumes") or () if v.get("name", "").startswith(_PREFIX)), "")
    name = volume or names.generate_name(_PREFIX)
    needed = False
    for _, _, container in containers(spec, "initContainers", "containers"):
        mounts = container.get("volumeMounts") or []
        if all(m.get("mountPath") != MOUNT for m in mounts):
            container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": MOUNT}]
            needed = True
    if needed and not volume:
        spec["volumes"] = [*(spec.get("volumes") or ()), {"name": name, "projected": _sources()}]


def _sources() -> Obj:
    return {
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": _LIFE, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {
                            "path": "namespace",
                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                        }
                    ]
                }
            },
        ],
        "defaultMode": 420,
    }


def _refuse_mirror(a: Attributes, spec: Obj) -> None:
    if spec.get("serviceAccountName"):
        raise refuse(a, "a mirror pod may not reference service accounts")
    for volume in spec.get("volumes") or ():
        sources = (volume.get("projected") or {}).get("sources") or ()
        if "secret" in volume or any("secret" in s for s in sources):
            raise refuse(a, "a mirror pod may not reference secrets")
        if any("serviceAccountToken" in s for s in sources):
            raise refuse(a, "a mirror pod may not use ServiceAccountToken volume projections")


def _limit(a: Attributes, spec: Obj, account: Obj) -> None:
    """Refuse secrets that the account does not list."""
    known = {s.get("name") for s in account.get("secrets") or ()}
    who = account["metadata"]["name"]
    for volume in spec.get("volumes") or ():
        name = (volume.get("secret") or {}).get("secretName")
        if name and name not in known:
            where = f'volume with secret.secretName="{name}" is not allowed because service account {who}'
            raise refuse(a, f"{where} does not reference that secret")
    for kind, _, container in containers(spec):
        word = {"initContainers": "init container", "containers": "container"}.get(kind, "ephemeral container")
        for variable in container.get("env") or ():
            name = ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name")
            if name and name not in known:
                where = (
                    f'{word} {container["name"]} with envVar {variable["name"]} referencing secret.secretName="{name}"'
                )
                raise refuse(a, f"{where} is not allowed because service account {who} does not reference that secret")
    pulls = {s.get("name") for s in account.get("imagePullSecrets") or ()}
    for secret in spec.get("imagePullSecrets") or ():
        if secret.get("name") not in pulls:
            where = f'imagePullSecrets[].name="{secret.get("name")}" is not allowed because service account {who}'
            raise refuse(a, f"{where} does not reference that imagePullSecret")


PLUGIN = Plugin("ServiceAccount", 30, mutate=mutate, validate=validate, operations=("CREATE",), resources=("pods",))
