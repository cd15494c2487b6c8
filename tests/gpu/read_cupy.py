"""Record what the installed CuPy offers: `python -m tests.gpu.read_cupy`.

CuPy can be imported without a GPU, so this only needs `pip install cupy-cuda12x` in a separate
environment. It saves names only, to `cupy-VERSION.json` beside this file:

ufuncs: for each, the methods that CuPy implements.
functions, random, linalg, cupyx: for each, its parameters; null if unknown.
values: constants and types.
ndarray: methods with their parameters, null for attributes.
"""

import inspect
import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# A method is called without arguments: if CuPy does not implement it, it says so first.
METHODS = {"reduce": 1, "accumulate": 1, "reduceat": 2, "at": 3}


def main() -> None:
    """Read CuPy and write the file."""
    import cupy  # noqa: PLC0415
    import cupyx  # noqa: PLC0415

    members = public(cupy)
    is_ufunc = {
        name: isinstance(member, cupy.ufunc) or type(member).__name__ == "_GUFunc"
        for name, member in members.items()
    }
    functions = {name: of for name, of in members.items() if callable(of) and not is_ufunc[name]}
    functions = {name: of for name, of in functions.items() if not isinstance(of, type)}
    api = {
        "version": cupy.__version__,
        "ufuncs": {name: ufunc_methods(of) for name, of in members.items() if is_ufunc[name]},
        "functions": {name: parameters(of) for name, of in functions.items()},
        "values": [name for name in members if not is_ufunc[name] and name not in functions],
        "random": {name: parameters(of) for name, of in public(cupy.random).items()},
        "linalg": {name: parameters(of) for name, of in public(cupy.linalg).items()},
        "cupyx": {name: parameters(of) for name, of in public(cupyx).items()},
        "ndarray": {name: parameters(getattr(cupy.ndarray, name)) for name in dir(cupy.ndarray)},
    }
    lines = ",\n".join(f"{json.dumps(key)}: {one_a_line(value)}" for key, value in api.items())
    (FOLDER / f"cupy-{cupy.__version__}.json").write_text(f"{{\n{lines}\n}}\n")


def public(module: Any) -> dict[str, Any]:
    """The members of a module that are not modules themselves."""
    names = [name for name in dir(module) if not name.startswith("_")]
    members = {name: getattr(module, name) for name in names}
    return {name: of for name, of in members.items() if not inspect.ismodule(of)}


def ufunc_methods(ufunc: Any) -> list[str]:
    """The methods that a ufunc implements."""
    found = []
    for method, n_inputs in METHODS.items():
        if not hasattr(ufunc, method):
            continue
        try:
            getattr(ufunc, method)(*[None] * n_inputs)
        except NotImplementedError:
            continue
        except (AttributeError, TypeError, ValueError):
            found.append(method)
    return [*found, *(["outer"] if hasattr(ufunc, "outer") else [])]


def parameters(function: Any) -> list[str] | None:
    """The names of a function's parameters, with their stars."""
    if not callable(function):
        return None
    try:
        text = str(inspect.signature(function))
    except (TypeError, ValueError):  # Cython writes the signature into the docstring
        text = (function.__doc__ or "").split("\n")[0]
    match = re.match(r"[\w.]*\((.*)\)", text)
    if match is None:
        return None
    text = re.sub(r"<[^>]*>|'[^']*'", "", match[1])
    names = [part.split("=")[0].split(":")[0].strip() for part in split_outside(text)]
    return [name.split()[-1] for name in names if name not in ("self", "/", "")]


def split_outside(text: str) -> list[str]:
    """Split at the commas outside of brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def one_a_line(value: Any) -> str:
    """JSON with a line for each entry."""
    if isinstance(value, dict):
        entries = (f"  {json.dumps(key)}: {json.dumps(value[key])}" for key in sorted(value))
        return "{\n" + ",\n".join(entries) + "\n}"
    return json.dumps(value)


if __name__ == "__main__":
    main()
