"""Which format an input has."""

from pathlib import Path

from .common import Format
from .delimited import Delimited
from .doc_bins import DocBins
from .documents import Documents
from .json_lines import JsonLines
from .parquet import Parquet
from .streams import COMPRESSIONS, is_url, suffixes

LINES: dict[str, Format] = {
    ".csv": Delimited(","),
    ".jsonl": JsonLines(),
    ".ndjson": JsonLines(),
    ".tsv": Delimited("\t"),
}
FORMATS: dict[str, Format] = {**LINES, ".parquet": Parquet(), ".spacy": DocBins()}


def find_format(path: str) -> Format:
    """The format of a file or URL by its suffix, or of a folder of documents.

    Raises ValueError for a file with another suffix.
    """
    if not is_url(path) and Path(path).is_dir():
        return Documents()
    suffix, compression = suffixes(path)
    found = (LINES if compression else FORMATS).get(suffix)
    if found is None:
        raise ValueError(
            f"'{path}' has none of the suffixes {', '.join(sorted(FORMATS))}: name other files, or "
            f"a folder of .txt files only. {_and(sorted(LINES))} may end with "
            f"{', '.join(COMPRESSIONS)} too."
        )
    return found


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
