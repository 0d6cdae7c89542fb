"""Signs approved requests of the built-in signers with the cluster's CA; what a signer does not sign is marked as failed.

The CA comes from --cluster-signing-cert-file and --cluster-signing-key-file, which `kk up` points at the cluster's own; without them nothing
is signed.
"""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller, Watch
from . import _certificates as certificates
from ._certificates import API, PLURAL, SIGNERS, Obj, Unfit


def wanted(csr: Obj | None) -> bool:
    """Whether a request waits for a signature. Pure."""
    if csr is None or csr["spec"].get("signerName") not in SIGNERS or (csr.get("status") or {}).get("certificate"):
        return False
    if certificates.has(csr, "Denied") or certificates.has(csr, "Failed"):
        return False
    return certificates.has(csr, "Approved") is not None


def reconcile(ctx: Any, key: str) -> None:
    """key is the name of a request."""
    csr = ctx.informer(API, PLURAL).get(key)
    if not ctx.state.get("cert") or csr is None or not wanted(csr):
        return
    now = ctx.clock.now()
    try:
        SIGNERS[csr["spec"]["signerName"]](certificates.parse(csr), set(csr["spec"].get("usages") or ()))
        most = timedelta(seconds=ctx.options.cluster_signing_duration)
        pem = certificates.sign(csr, ctx.state["cert"], ctx.state["key"], most, now)
        status = {**(csr.get("status") or {}), "certificate": base64.b64encode(pem).decode()}
        changed = {**csr, "status": status}
    except Unfit as error:
        changed = certificates.with_condition(csr, "Failed", "SignerValidationFailure", str(error), now)
    try:
        ctx.resource(API, PLURAL).update_status(changed)
    except StatusError as error:
        if error.code != 404:
            raise


def setup(ctx: Any) -> None:
    """Read the CA once."""
    cert = getattr(ctx.options, "cluster_signing_cert_file", "")
    key = getattr(ctx.options, "cluster_signing_key_file", "")
    if cert and key:
        ctx.state["cert"], ctx.state["key"] = Path(cert).read_bytes(), Path(key).read_bytes()


CONTROLLER = Controller(
    "certificatesigningrequest-signing-controller",
    reconcile,
    watches=(Watch(API, PLURAL),),
    aliases=("csrsigning",),
    setup=setup,
)
