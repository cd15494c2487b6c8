"""Which files a conversion reads, and the names of the files it writes."""

from pathlib import Path

from .records import is_visible

# Suffixes that indicate a format; any other suffix is part of the name, as in `ned.testa`.
COLUMNS = {".conll", ".conllu", ".conllup", ".conll03", ".iob", ".iob2", ".bio", ".bioes", ".bilou"}
COLUMNS |= {".biluo", ".ner", ".tsv", ".txt", ".tab"}
TEXTS = {".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".tab", ".txt", ".label"}
SUFFIX = ".spacy"


def find_sources(paths: list[Path], *, columns: bool) -> tuple[dict[Path, Path], list[Path]]:
    """Find what to read, and the name of each output without its suffix, relative to its folder.

    paths: files and folders. In a folder, all files with a data suffix are read or, if there is
        none, all files. For texts, a folder that has subfolders and no data files is itself a
        source, whose labels are the names of the subfolders.
    columns: whether the files have columns of tokens rather than texts.

    Returns the names by source, and the files in folders that are skipped. Raises ValueError if a
    path does not exist or contains nothing.
    """
    known = COLUMNS if columns else TEXTS
    sources: dict[Path, Path] = {}
    left_out: list[Path] = []
    twice = _find_twice(paths)
    if twice:
        raise ValueError(f"'{twice}' is given twice: give it once.")
    for path in paths:
        if not path.exists():
            raise ValueError(f"'{path}' does not exist: give an existing file or folder.")
        if path.is_file() or (not columns and _has_label_folders(path, known)):
            sources[path] = Path(_stem(path, known) if path.is_file() else path.resolve().name)
            continue
        files = [each for each in sorted(path.rglob("*")) if _is_data(each, path)]
        data = [each for each in files if _suffix(each) in known] or files
        if not data:
            raise ValueError(f"'{path}' contains no files.")
        sources |= {each: each.relative_to(path).with_name(_stem(each, known)) for each in data}
        left_out += [each for each in files if each not in data]
    return sources, left_out


def name_targets(sources: dict[Path, Path], folder: Path, names: list[str]) -> dict[Path, Path]:
    """Name the output of each source.

    names: names to use instead of those of the sources, in the same order; empty to use the
        sources'.

    Raises ValueError if two outputs would be the same file, or if the numbers of names and sources
    differ.
    """
    if names and len(names) != len(sources):
        raise ValueError(
            f"`--names` has {len(names)} names for {len(sources)} inputs: give one for each."
        )
    stems = [Path(name.removesuffix(SUFFIX)) for name in names] or list(sources.values())
    targets: dict[Path, Path] = {}
    for source, stem in zip(sources, stems, strict=True):
        target = folder / stem.with_name(stem.name + SUFFIX)
        # Some file systems ignore case.
        other = next((each for each in targets if _key(targets[each]) == _key(target)), None)
        if other is not None:
            raise ValueError(
                f"'{other}' and '{source}' would both become '{target}': distinguish them with "
                "`--names`, one name per input separated by commas, or convert them into "
                "separate folders."
            )
        targets[source] = target
    return targets


def _key(path: Path) -> str:
    return str(path).casefold()


def _find_twice(paths: list[Path]) -> Path | None:
    """A path that is given twice, by itself or by way of its folder."""
    for i, path in enumerate(paths):
        others = [other.resolve() for other in paths[:i] + paths[i + 1 :]]
        if any(path.resolve().is_relative_to(other) for other in others):
            return path
    return None


def _has_label_folders(folder: Path, known: set[str]) -> bool:
    parts = [path for path in folder.iterdir() if is_visible(path)]
    tables = known - {".txt", ".label"}
    return any(path.is_dir() for path in parts) and not any(
        path.is_file() and _suffix(path) in tables for path in parts
    )


def _is_data(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return path.is_file() and all(is_visible(Path(part)) for part in parts)


def _suffix(path: Path) -> str:
    name = Path(path.stem) if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()


def _stem(path: Path, known: set[str]) -> str:
    name = Path(path.stem if path.suffix.lower() == ".gz" else path.name)
    return name.stem if name.suffix.lower() in known else name.name
