"""Make the pipelines that the pages share available to the tests of their examples."""

from .pipelines import pipelines  # noqa: F401
