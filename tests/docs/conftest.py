"""The pipelines that the pages share are there for the tests of their examples too."""

from .pipelines import pipelines  # noqa: F401
