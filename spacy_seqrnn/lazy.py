"""Names that a package offers but imports only when they are first used (PEP 562)."""

from importlib import import_module
from typing import Any


def load_name(package: dict[str, Any], modules: dict[str, list[str]], name: str) -> Any:
    """Import a name from its module and keep it in the package for the next access.

    package: the globals of the package that offers the name.
    modules: the names in each module; modules are named relative to the package.

    Returns the object. Raises AttributeError if the package offers no such name.
    """
    for module, names in modules.items():
        if name in names:
            found = getattr(import_module(f".{module}", package["__name__"]), name)
            return package.setdefault(name, found)
    raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
