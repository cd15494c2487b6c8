"""Several text classifiers that vote."""

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model

from ..types import Floats2d


def TextCatEnsemble(
    *,
    members: dict[str, Any],  # of Model; a config's blocks are checked before they are Models
    nO: int | None = None,
) -> Model[list[Doc], Floats2d]:
    """Classify texts by the mean of what several models say.

    Registered as `spacy-seqrnn.TextCatEnsemble.v1`. Each member learns from its own errors, as if
    it were alone: where the sum of their scores is trained instead, as in
    `spacy.TextCatEnsemble.v2`, one that learns fast leaves nothing to learn to the others.

    members: models of text classification under names of your choice, e.g. a
        `spacy-seqrnn.TextCat.v1`, a `spacy-seqrnn.NgramTextCat.v1` and spaCy's own.
    nO: number of labels; set by the component.

    Returns a model from documents to probabilities, shape (n_docs, nO).
    Raises ValueError if there is no member, or one that is no model of text classification.
    """
    if not members:
        raise ValueError("TextCatEnsemble has no members: name at least one under `members`.")
    for name, member in members.items():
        if not isinstance(member, Model) or "multi_label" not in member.attrs:
            raise ValueError(
                f"`members.{name} = {member!r}` is no text classifier: give the block an "
                "`@architectures` line of one, such as spacy-seqrnn.TextCat.v1."
            )
    kinds = {name: member.attrs["multi_label"] for name, member in members.items()}
    if len(set(kinds.values())) > 1:
        raise ValueError(
            "The members of TextCatEnsemble do not agree on `exclusive_classes`: "
            f"{', '.join(f'{name} has {str(not multi).lower()}' for name, multi in kinds.items())}."
        )
    return Model(
        "seqrnn_textcat_ensemble",
        forward,
        init=init,
        dims={"nO": nO},
        layers=list(members.values()),
        attrs={"multi_label": kinds.popitem()[1], "resize_output": resize_output},
    )


def forward(
    model: Model[list[Doc], Floats2d], docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable]:
    results = [member(docs, is_train) for member in model.layers]
    Y = sum(Y for Y, _ in results) / len(results)

    def backprop(dY: Floats2d) -> list[Doc]:
        # spaCy's textcat hands back Y − truth, and 0 where the truth is unknown.
        truth, known = Y - dY, dY != 0
        for Y_member, backprop_member in results:
            backprop_member((Y_member - truth) * known)
        return []

    return Y, backprop


def init(
    model: Model[list[Doc], Floats2d], X: list[Doc] | None = None, Y: Floats2d | None = None
) -> None:
    if Y is not None:
        model.set_dim("nO", Y.shape[1])
    for member in model.layers:
        member.set_dim("nO", model.get_dim("nO"))
        member.initialize(X=X, Y=Y)


def resize_output(model: Model[list[Doc], Floats2d], nO: int) -> Model[list[Doc], Floats2d]:
    """Make room for `nO` labels. What was learnt for the old ones stays."""
    for member in model.layers:
        member.attrs["resize_output"](member, nO)
    model.set_dim("nO", nO, force=True)
    return model
