"""Where the results of these benchmarks are, and the page that shows them."""

from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PAGE = Path("docs/seq2seq.md")
