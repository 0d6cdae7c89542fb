"""ValidatingAdmissionWebhook: asks all webhooks that want to hear of a write at once, about the object as it will be stored.

Each may refuse; of several refusals the first webhook's is told. Choosing and calling is kk.server.hooks.
"""

import asyncio
import logging
from typing import Any

from kk.base.errors import StatusError
from kk.server.context import Attributes, Plugin
from kk.server.hooks import calls, matching
from kk.server.hooks.configurations import GROUP, OPERATIONS, VALIDATING, hooks

log = logging.getLogger("kk.server")
_KEY = (GROUP, VALIDATING)


def validate(a: Attributes) -> Any:
    """Ask the webhooks, if there are any."""
    shelf = a.server.cache.shelves.get(_KEY)
    if shelf is None or not shelf.items:
        return None
    return _ask_all(a)


async def _ask_all(a: Attributes) -> None:
    if matching.exempt(a):
        return
    wanted = [await calls.wanted(hook, a) for hook in hooks(a.server, VALIDATING)]
    found = [call for call in wanted if call is not None]
    if not found:
        return
    for refusal in await asyncio.gather(*(_ask(call, a, index) for index, call in enumerate(found))):
        if refusal is not None:
            raise refusal


async def _ask(call: calls.Call, a: Attributes, index: int) -> StatusError | None:
    """The refusal of one webhook, or None."""
    try:
        await calls.ask(call, a, mutating=False)
    except calls.Failed as error:
        if not call.hook.ignores_failure:
            return error.refusal()
        log.warning("%s; its failurePolicy is Ignore", error)
        key = f"failed-open.validation.webhook.admission.k8s.io/round_0_index_{index}"
        calls.annotate(a, key, call.hook.name)
    except StatusError as error:
        return error
    return None


PLUGIN = Plugin("ValidatingAdmissionWebhook", 230, validate=validate, operations=OPERATIONS)
