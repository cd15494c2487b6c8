"""What tests of language models share."""

from pathlib import Path

import pytest
import srsly

from .models import TEXTS


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Raw texts in a file."""
    srsly.write_jsonl(tmp_path / "texts.jsonl", [{"text": text} for text in TEXTS])
    return tmp_path / "texts.jsonl"
