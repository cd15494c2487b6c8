"""Names for arrays in signatures.

Arrays may be NumPy's or CuPy's. Thinc's array protocols know little of their indexing and
arithmetic, so a type checker that took them at their word would refuse most of the code here; the
names say what is meant, and shapes stand in the docstrings.
"""

from typing import Any, TypeAlias

Floats1d: TypeAlias = Any
Floats2d: TypeAlias = Any
Floats3d: TypeAlias = Any
FloatsXd: TypeAlias = Any
Ints1d: TypeAlias = Any
Bools2d: TypeAlias = Any
