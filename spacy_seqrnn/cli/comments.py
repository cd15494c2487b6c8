"""Comments of a config, which spaCy drops when it reads one, put back where they belong."""

from collections.abc import Iterator


def with_comments(text: str, source: str) -> str:
    """A config with the comments that another one has at the same sections and options.

    text: a config as `Config.to_str` gives it, without comments.
    source: a config with comments, each on lines of its own above what it is about. What a comment
        at its head is about is the whole.

    Raises ValueError for a comment about something that `text` does not have.
    """
    comments = dict(_comments(source))
    lines: list[str] = []
    for place, line in _places(text.splitlines()):
        found = comments.pop(place, [])
        lines += found if lines or not found else [*found, ""]
        lines.append(line)
    if comments:
        place = next(iter(comments))
        raise ValueError(f"The config has no `{place}` that a comment could be about.")
    return "\n".join(lines) + "\n"


def _comments(source: str) -> Iterator[tuple[str, list[str]]]:
    """The place that each comment is about, and its lines."""
    pending: list[str] = []
    for place, line in _places(source.splitlines()):
        if line.startswith("#"):
            pending.append(line)
        elif line.strip() and pending:
            yield place, pending
            pending = []


def _places(lines: list[str]) -> Iterator[tuple[str, str]]:
    """The dotted name of the section or option that each line begins, and the line."""
    section = ""
    for line in lines:
        place = ""
        if line.startswith("["):
            place = section = line.strip("[] ")
        elif line[:1].strip() and not line.startswith("#") and "=" in line:
            place = f"{section}.{line.split('=')[0].strip()}"
        yield place, line
