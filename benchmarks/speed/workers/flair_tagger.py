"""Flair's tagger: `python -m benchmarks.speed.workers.flair_tagger DOCS`.

A `SequenceTagger` with word embeddings of 50 dimensions, Flair's character LSTM, 128 hidden units
per direction and a CRF, at its best batch size. Its weights are random, as its speed does not
depend on them; sentences are created from the given tokens before timing starts.
"""

import json
import sys
from pathlib import Path

import flair
import torch
from flair.data import Dictionary, Sentence
from flair.embeddings import CharacterEmbeddings, StackedEmbeddings, TokenEmbeddings
from flair.models import SequenceTagger

from .serve import best, serve, timed

LABELS = ["PER", "LOC", "ORG", "MISC"]


class RandomVectors(TokenEmbeddings):  # type: ignore[misc]  # in another environment
    """A lookup of 50 dimensions, like `WordEmbeddings`, for the words of the documents."""

    def __init__(self, words: list[str]) -> None:
        super().__init__()
        self.name = "vectors"
        self.static_embeddings = True
        self.rows = {word: row for row, word in enumerate(words)}
        self.table = torch.nn.Embedding(len(words), 50)

    @property
    def embedding_length(self) -> int:
        return 50

    def _add_embeddings_internal(self, sentences: list[Sentence]) -> list[Sentence]:
        tokens = [token for sentence in sentences for token in sentence]
        rows = torch.tensor([self.rows[token.text] for token in tokens], dtype=torch.long)
        for token, vector in zip(tokens, self.table(rows), strict=True):
            token.set_embedding(self.name, vector)
        return sentences


def main(docs: str) -> None:
    """Serve the tagger."""
    torch.set_num_threads(1)
    texts = [text["words"] for text in json.loads(Path(docs).read_text(encoding="utf8"))]
    distinct = sorted({word for words in texts for word in words})
    tags = Dictionary(add_unk=False)
    for label in LABELS:
        tags.add_item(label)
    characters = Dictionary(add_unk=True)
    for character in sorted(set("".join(distinct))):
        characters.add_item(character)
    embeddings = StackedEmbeddings([RandomVectors(distinct), _character_embeddings(characters)])
    tagger = SequenceTagger(
        hidden_size=128,
        embeddings=embeddings,
        tag_dictionary=tags,
        tag_type="ner",
        use_crf=True,
        tag_format="BIOES",
    )
    tagger.eval()

    def predict(batch_size: int) -> float:
        sentences = [Sentence(words) for words in texts]
        return timed(lambda: tagger.predict(sentences, mini_batch_size=batch_size))

    size = best(predict, [32, 64, 128, 256])
    words = sum(map(len, texts))
    serve(lambda: predict(size), words, batch_size=size, version=flair.__version__)


def _character_embeddings(characters: Dictionary) -> CharacterEmbeddings:
    """Flair's character LSTM. Its own dictionary of characters would have to be downloaded."""
    path = Path("training/speed/characters.pickle")
    path.parent.mkdir(parents=True, exist_ok=True)
    characters.save(path)
    return CharacterEmbeddings(path_to_char_dict=str(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
