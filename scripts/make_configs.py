"""Write the configs that the project trains from the recipes of `spacy seqrnn init-config`."""

from pathlib import Path

from spacy_seqrnn.cli.init_config import recipe
from wasabi import msg

from command import run

CONFIGS = {
    "inflection.cfg": recipe("text2text", "accuracy", vectors=False, characters=True),
    "lemmatizer.cfg": recipe("lemmatizer", "accuracy", vectors=False),
    "lm.cfg": recipe("lm", "accuracy", vectors=True, both_directions=True),
    "ner_accuracy.cfg": recipe("ner", "accuracy", vectors=True),
    "ner_ensemble.cfg": recipe("ner", "accuracy", vectors=True, ensemble=True),
    "ner_efficiency.cfg": recipe("ner", "efficiency", vectors=True),
    "ner_no_vectors.cfg": recipe("ner", "accuracy", vectors=False),
    "tagger.cfg": recipe("tagger", "accuracy", vectors=False),
    "tagger_vectors.cfg": recipe("tagger", "accuracy", vectors=True),
    "textcat_accuracy.cfg": recipe("textcat", "accuracy", vectors=True),
    "textcat_efficiency.cfg": recipe("textcat", "efficiency", vectors=True),
    "textcat_long.cfg": recipe("textcat", "accuracy", vectors=True, long_texts=True),
    "translation.cfg": recipe("text2text", "accuracy", vectors=False),
}
HEAD = "# `spacy train` fills in omitted options with their defaults.\n"


def make_configs() -> None:
    """Write configs/."""
    folder = Path("configs")
    folder.mkdir(exist_ok=True)
    for name, text in CONFIGS.items():
        (folder / name).write_text(HEAD + text, encoding="utf8")
    msg.good(f"Wrote {len(CONFIGS)} files to {folder}")


if __name__ == "__main__":
    run(make_configs)
