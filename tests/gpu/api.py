"""What CuPy implements, according to the files that `read_cupy.py` writes."""

import json
from pathlib import Path
from typing import Any

VERSIONS = [json.loads(path.read_text()) for path in sorted(Path(__file__).parent.glob("cupy-*"))]


def has(part: str, name: str) -> bool:
    """Whether every version has a member. part: the name of a list in the files."""
    return all(name in version[part] for version in VERSIONS)


def ufunc_methods(name: str) -> set[str]:
    """The methods that every version implements for a ufunc."""
    return set.intersection(*(set(version["ufuncs"][name]) for version in VERSIONS))


def check_arguments(part: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise TypeError for arguments that a version's function does not take."""
    for version in VERSIONS:
        parameters = version[part][name]
        if parameters is None:
            continue
        starred = [at for at, of in enumerate(parameters) if of.startswith("*")]
        by_position = parameters[: starred[0]] if starred else parameters
        takes_more = any(of.startswith("*") and of.strip("*") for of in parameters)
        any_name = any(of.startswith("**") for of in parameters)
        if len(args) > len(by_position) and not takes_more:
            raise TypeError(f"CuPy {version['version']}: {name} takes {len(by_position)} arguments")
        unknown = set() if any_name else set(kwargs) - set(parameters)
        if unknown:
            raise TypeError(f"CuPy {version['version']}: {name} has no {sorted(unknown)}")
