"""MutatingWebhookConfiguration: webhooks that may change objects before they are stored. The server calls them."""

from kk.kinds._checks import Obj, fill
from kk.kinds._webhooks import check_webhooks, default_webhook
from kk.kinds.kind import AGE, Column, Kind


def default(obj: Obj) -> None:
    """Each webhook fails closed and sees everything unless it says otherwise."""
    for hook in obj.get("webhooks") or []:
        default_webhook(hook)
        fill(hook, "reinvocationPolicy", "Never")


KIND = Kind(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    default=default,
    validate=check_webhooks,
    columns=(
        Column(
            "Webhooks",
            lambda obj: len(obj.get("webhooks") or []),
            "integer",
            description="Webhooks indicates the number of webhooks registered in this configuration",
        ),
        AGE,
    ),
    unconditional_update=False,
)
