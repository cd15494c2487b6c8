import pytest
from thinc.api import data_validation


@pytest.fixture(autouse=True)
def _validated():
    """Thinc's own check of what goes into a layer on initialisation and what comes out."""
    with data_validation(True):
        yield
