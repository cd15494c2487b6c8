"""Compare the files of a corpus with the SHA-256 checksums in `assets/checksums.sha256`."""

from typing import Annotated

import typer
from wasabi import msg

from command import UserError, run
from corpora import Asset, read_corpus

# The commands that fetch a corpus are named after it, but for this one.
FETCH = {"vectors": "rich-vectors"}


def verify(
    corpus: Annotated[str, typer.Argument(help="Name of a folder in assets/")],
    optional: Annotated[bool, typer.Option(help="Accept that files are missing")] = False,
) -> None:
    """Verify every file of a corpus and report each one that is not as expected."""
    assets = [asset for asset in read_corpus(corpus) if asset.path.exists() or not optional]
    reports = [report for asset in assets if (report := check(asset, corpus))]
    if reports:
        raise UserError("\n".join(reports))
    names = ", ".join(asset.path.name for asset in assets) or "nothing"
    msg.good(f"As expected: {names} in assets/{corpus}")


def check(asset: Asset, corpus: str) -> str | None:
    """What is wrong with a file and what to do about it; None if nothing is."""
    fetch = f"run `spacy project run {FETCH.get(corpus, f'fetch-{corpus}')}`"
    if not asset.path.exists():
        return (
            f"{asset.path} is missing: {fetch if asset.is_public else 'put your own copy there'}."
        )
    fault = asset.find_fault()
    if fault is None:
        return None
    if asset.is_public:
        return f"{asset.path} {fault}: delete it and {fetch}."
    return (
        f"{asset.path} {fault}: put the expected one there, or continue with yours by "
        f"`spacy project run convert-{corpus}`, which reads any CoNLL columns."
    )


if __name__ == "__main__":
    run(verify)
