"""What a saved pipeline says about itself before it is loaded.

A process that only sends texts to others need not load it, which takes seconds and memory.
"""

from pathlib import Path

import spacy
from spacy.util import get_model_meta, get_package_path, is_package, load_config

from ..saved.checksums import checksum, checksum_of_file, format_list

CONFIG = "config.cfg"


def folder_of(model: str) -> Path:
    """The folder of a pipeline's files.

    model: a folder, or the name of a package.

    Raises ValueError if there is no such pipeline.
    """
    folder = Path(model)
    if not folder.is_dir() and is_package(model):
        package = get_package_path(model)
        meta = get_model_meta(package)
        folder = package / f"{meta['lang']}_{meta['name']}-{meta['version']}"
    if not (folder / CONFIG).is_file():
        raise no_pipeline(model)
    return folder


def no_pipeline(model: str) -> ValueError:
    """The error for what is neither a folder nor a package of a pipeline."""
    return ValueError(
        f"'{model}' is not a pipeline: give the folder of one, such as training/model-best, or the "
        "name of an installed package."
    )


def attributes_set_by(folder: Path) -> set[str]:
    """The attributes of documents and tokens that the components say they set.

    Raises ValueError if a component is of an unknown kind.
    """
    config = load_config(folder / CONFIG)
    nlp = spacy.blank(config["nlp"]["lang"])
    disabled = config["nlp"]["disabled"]
    names = [name for name in config["nlp"]["pipeline"] if name not in disabled]
    factories = [config["components"][name]["factory"] for name in names]
    for factory in factories:
        if not nlp.has_factory(factory):
            raise ValueError(
                f"The pipeline '{folder}' has a component of the kind '{factory}', which is not "
                "known here: install the package that has it, or import its code."
            )
    return {each for factory in factories for each in nlp.get_factory_meta(factory).assigns}


def checksum_of_pipeline(folder: Path) -> str:
    """A checksum of all its files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    sums = {path.relative_to(folder).as_posix(): checksum_of_file(path) for path in files}
    return checksum(format_list(sums).encode())
