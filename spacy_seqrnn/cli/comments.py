"""Put the comments of a config back after spaCy, which drops them, has read it."""

from collections.abc import Iterator


def with_comments(text: str, source: str) -> str:
    """Copy the comments of one config to the same sections and options of another.

    text: a config without comments, as `Config.to_str` writes it.
    source: a config with comments, each on lines of its own above a section or option. Comments at
        the head are about the whole file.

    Raises ValueError for a comment on something that `text` does not have.
    """
    comments = dict(_comments(source))
    lines: list[str] = []
    for place, line in _places(text.splitlines()):
        found = comments.pop(place, [])
        lines += found if lines or not found else [*found, ""]
        lines.append(line)
    if comments:
        place = next(iter(comments))
        raise ValueError(f"The config has no `{place}` for a comment.")
    return "\n".join(lines) + "\n"


def _comments(source: str) -> Iterator[tuple[str, list[str]]]:
    """The place of each comment, and its lines."""
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
