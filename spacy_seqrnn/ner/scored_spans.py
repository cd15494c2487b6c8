"""The span group that holds entities with their scores."""

from struct import Struct
from threading import local

import srsly
from spacy.tokens import Doc, Span, SpanGroup
from srsly.msgpack import Packer

# How spaCy saves a span: ID, knowledge base ID, label, first token, the one after its last, and
# both ends in characters
SAVED = Struct(">QQQllll")


class _PerThread(local):
    """Packs the groups of a thread. It is kept, since a new one searches all entry points."""

    def __init__(self) -> None:
        self.pack = Packer(use_bin_type=True).pack


_PER_THREAD = _PerThread()


class ScoredSpans(SpanGroup):
    """A span group that follows its text when a later component merges or splits tokens.

    spaCy leaves a group's token indices unchanged, so after `merge_entities` and the like its spans
    have the wrong tokens, or none (E035). This group finds a misplaced span again by its
    characters: the span then has all tokens that contain any of them.
    """

    def __getitem__(self, i: int) -> Span:
        """The span at an index. Raises IndexError (E856) if there is none."""
        try:
            span = super().__getitem__(i)
        except IndexError:  # the index, or the span's tokens, are out of range
            span = None
        if span is None or not _is_in_place(span):
            self._find_again()
            span = super().__getitem__(i)
        return span

    def _find_again(self) -> None:
        for i, saved in enumerate(srsly.msgpack_loads(super().to_bytes())["spans"]):
            span_id, kb_id, label, _, _, first, last = SAVED.unpack(saved)
            if first < last:  # an empty span has no characters to find it by
                self[i] = self.doc.char_span(  # type: ignore[index]  # not in spaCy's stubs
                    first, last, label, kb_id, span_id=span_id, alignment_mode="expand"
                )

    def to_bytes(self) -> bytes:
        """Save as spaCy saves a group, but much faster. It loads as an ordinary group."""
        spans = [
            SAVED.pack(s.id, s.kb_id, s.label, s.start, s.end, s.start_char, s.end_char)
            for s in self
        ]
        packed: bytes = _PER_THREAD.pack({"name": self.name, "attrs": self.attrs, "spans": spans})
        return packed

    def copy(self, doc: Doc | None = None) -> "ScoredSpans":
        """A copy, which also follows its text.

        doc: the document of the copy; None: the same one.
        """
        plain = super().copy(doc)
        return ScoredSpans(plain.doc, name=plain.name, attrs=plain.attrs, spans=list(plain))


def _is_in_place(span: Span) -> bool:
    """Whether a span's tokens cover exactly its characters."""
    if span.start == span.end:
        return True
    last = span.doc[span.end - 1]
    return span.doc[span.start].idx == span.start_char and last.idx + len(last) == span.end_char
