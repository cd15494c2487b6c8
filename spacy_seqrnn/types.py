"""Names for arrays in signatures.

Arrays may be NumPy's or CuPy's. Thinc's array protocols cover little of their indexing and
arithmetic, so a type checker would reject most of the code here. These names document the intent;
shapes are in the docstrings.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

Floats1d: TypeAlias = Any
Floats2d: TypeAlias = Any
Floats3d: TypeAlias = Any
FloatsXd: TypeAlias = Any
Ints1d: TypeAlias = Any
Ints2d: TypeAlias = Any
Bools2d: TypeAlias = Any
# A layer's forward function, whose arguments Thinc does not tell of
Forward: TypeAlias = Callable[..., Any]
# A layer's backward pass, from a gradient of its output to one of its input
Backprop: TypeAlias = Callable[[Any], Any]
