"""`spacy seqrnn convert --task text2text`: texts with the texts to write for them."""

import gzip
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin

from spacy_seqrnn.seq2seq.pairs import make_pairs_reader

from ..cli.conftest import invoke, succeed

PAIRS = [("Zwei Hunde spielen.", "Two dogs play."), ("Ein Fall, zwei Fälle", "a case, two cases")]


def convert(*arguments: object) -> str:
    return succeed("seqrnn", "convert", *arguments, "--task", "text2text", "--lang", "de")


def written(path: Path) -> list[tuple[str, str]]:
    docs = DocBin(store_user_data=True).from_disk(path).get_docs(spacy.blank("de").vocab)
    return [(doc.text, doc._.output) for doc in docs]


def lines(path: Path, texts: list[str]) -> Path:
    path.write_bytes(gzip.compress("".join(f"{text}\n" for text in texts).encode()))
    return path


def test_files_side_by_side(tmp_path: Path) -> None:
    """Compressed; a pair without a source is omitted, one without a target kept."""
    sources = lines(tmp_path / "a.de.gz", [source for source, _ in PAIRS] + ["", "Und?"])
    targets = lines(tmp_path / "a.en.gz", [target for _, target in PAIRS] + ["And?", ""])
    output = tmp_path / "out"
    printed = convert(sources, output, "--targets", targets)
    assert "3 documents" in printed
    assert written(output / "a.de.spacy") == [*PAIRS, ("Und?", "")]


def test_several_inputs_in_one_file_each(tmp_path: Path) -> None:
    paths = [tmp_path / "train.tsv", tmp_path / "dev.tsv"]
    for path, (source, target) in zip(paths, PAIRS, strict=True):
        path.write_text(f"{source}\t{target}\n", encoding="utf8")
    convert(*paths, tmp_path)
    for path, pair in zip(paths, PAIRS, strict=True):
        (found,) = written(path.with_suffix(".spacy"))
        (example,) = make_pairs_reader(path)(spacy.blank("de"))
        assert found == pair == (example.reference.text, example.reference._.output)


def test_the_tokens_are_those_of_the_language(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("z.B. heute\tfor example today\n", encoding="utf8")
    convert(path, tmp_path)
    (doc,) = DocBin().from_disk(tmp_path / "a.spacy").get_docs(spacy.blank("de").vocab)
    assert [token.text for token in doc] == ["z.B.", "heute"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--targets", "t", "--targets", "t"], "is given 2 times for 1 inputs"),
        (["--scheme", "io"], "`--scheme` is for ner, but `--task text2text` is set"),
        (["--rename", "a=b"], "`--rename` is for ner and textcat and textcat_multilabel, but"),
        (["--targets", "short.txt"], "'a.txt' has 2 lines, but 'short.txt' has 1"),
        (["--targets", "none.txt"], "none.txt"),
    ],
)
def test_what_cannot_work(
    options: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("eins\nzwei\n")
    Path("short.txt").write_text("one\n")
    result = invoke("seqrnn", "convert", "a.txt", "out", "--task", "text2text", *options)
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())
    assert not Path("out").exists() or not any(Path("out").iterdir())


def test_targets_are_for_pairs_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("a O\n")
    result = invoke("seqrnn", "convert", path, tmp_path, "--targets", path)
    assert "`--targets` is for text2text, but `--task ner` is set" in result.output.replace(
        "\n", " "
    )


def test_evaluate_reads_them(tmp_path: Path) -> None:
    """As predictions that have no text before."""
    assert Doc.has_extension("output")
    path = tmp_path / "a.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS), encoding="utf8")
    convert(path, tmp_path)
    nlp = spacy.blank("de")
    nlp.add_pipe("seqrnn_text2text")
    nlp.initialize(lambda: list(make_pairs_reader(path)(nlp)))
    nlp.to_disk(tmp_path / "model")
    scores = tmp_path / "scores.json"
    succeed("evaluate", tmp_path / "model", tmp_path / "a.spacy", "--output", scores)
    assert srsly.read_json(scores)["output_exact"] == 0.0  # nothing is learned yet
