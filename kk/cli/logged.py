"""`-v 6` and more: a line on standard error for each request, with what it answered and how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any


class LoggedTransport:
    """Another transport (kk.client.transport), with a line for each request; with `bodies` what is sent is shown too."""

    def __init__(self, inner: Any, server: str, bodies: bool = False):
        self.inner, self.server, self.bodies = inner, server, bodies

    def open(self, method: str, target: str, headers: Mapping[str, str], body: bytes, timeout: float | None) -> Any:
        """Send, and tell what came."""
        begun = time.monotonic()
        if self.bodies and body:
            print(f"Request body: {body.decode('utf-8', 'replace')}", file=sys.stderr)
        told = "failed"
        try:
            answer = self.inner.open(method, target, headers, body, timeout)
            told = str(answer.status)
            return answer
        finally:
            spent = round((time.monotonic() - begun) * 1000)
            print(f"{method} {self.server}{target} {told} in {spent} milliseconds", file=sys.stderr)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
