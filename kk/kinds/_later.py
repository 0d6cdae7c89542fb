"""Functions that are imported when they are first called: descriptions are for the command line, and the server never pays for them."""

import functools
import importlib
from collections.abc import Callable
from typing import Any


def later(module: str, function: str) -> Callable[..., Any]:
    """The function of a module of this package, imported on its first call."""

    @functools.cache
    def found() -> Callable[..., Any]:
        return getattr(importlib.import_module(f"kk.kinds.{module}"), function)

    return lambda *args: found()(*args)
