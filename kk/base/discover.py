"""Units by file name: a package is a folder of units, each file holds one and names it in one constant.

The only magic in the house. A new kind, controller, plugin, verb or printer is one new file; no table is touched.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # typing costs milliseconds at start-up
if TYPE_CHECKING:
    from typing import Any


def names(package: str) -> list[str]:
    """Names of the units in a package, sorted, without importing any; modules that begin with `_` are helpers."""
    import pkgutil  # 3 ms that looking up one verb must not pay

    path = importlib.import_module(package).__path__
    return sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_"))


def load(package: str, name: str, constant: str) -> Any:
    """The unit `constant` of the file `name` in `package`.

    Raises TypeError that names the file where the constant is missing.
    """
    module = importlib.import_module(f"{package}.{name}")
    try:
        return getattr(module, constant)
    except AttributeError:
        raise TypeError(f"{module.__file__} holds no {constant}: each file of {package} is one unit") from None


def load_all(package: str, constant: str) -> dict[str, Any]:
    """Every unit of a package, by file name, in name order."""
    return {name: load(package, name, constant) for name in names(package)}
