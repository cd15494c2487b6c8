from collections.abc import Iterator

import pytest
from thinc.api import Ops
from thinc.compat import has_cupy_gpu

from .cupy_ops import cupy_like_ops, real_ops

DEVICES = {"cupy_like": cupy_like_ops, "cupy": real_ops}
ON_A_GPU = [
    pytest.mark.gpu,
    pytest.mark.skipif(not has_cupy_gpu, reason="CuPy finds no GPU"),
]


@pytest.fixture(params=["cupy_like", pytest.param("cupy", marks=ON_A_GPU)])
def gpu(request: pytest.FixtureRequest) -> Iterator[Ops]:
    """CupyOps as the current ops: on a stand-in for CuPy, and on a GPU if there is one."""
    with DEVICES[request.param]() as ops:
        yield ops
