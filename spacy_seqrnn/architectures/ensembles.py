"""Ensembles of models of the same task, each trained on its own errors."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model

from ..batch.composition import run
from ..batch.docs import DocBatch
from ..batch.packed import Packed
from ..batch.windows import Chunk, run_in_chunks
from ..checks import check_n_outputs
from ..config_errors import ConfigError
from ..crf.chain import PooledChain
from ..lm.features import share_frozen
from ..ner.model import run_windows
from ..saved.layers import check_same, describe_layer, in_parallel, output_width
from ..saved.shapes import Layer
from ..seq2seq.model import Seq2SeqModel, decoders_of
from ..types import Backprop, Floats2d, Forward


def TextCatEnsemble(
    *,
    members: dict[str, Any],  # of Model; a config's blocks are checked before they are Models
    nO: int | None = None,
) -> Model[list[Doc], Floats2d]:
    """Classify texts by the mean of several models' probabilities.

    Registered as `spacy-seqrnn.TextCatEnsemble.v1`. Each member is trained on its own errors, as if
    it were alone. If the sum of their scores were trained instead, as in
    `spacy.TextCatEnsemble.v2`, a member that learns fast would leave nothing to learn for the
    others.

    members: models of text classification under names of your choice, e.g. a
        `spacy-seqrnn.TextCat.v1`, a `spacy-seqrnn.NgramTextCat.v1` and spaCy's own.
    nO: number of labels; set by the component.

    Returns a model that maps documents to probabilities, shape (n_docs, nO).
    Raises ValueError if there is no member, or a member is not a model of text classification.
    """
    model = _ensemble(members, textcat_forward, nO, "multi_label", "spacy-seqrnn.TextCat.v1")
    model.attrs["resize_output"] = resize_output
    exclusive = {name: not member.attrs["multi_label"] for name, member in members.items()}
    _check_agreement("TextCatEnsemble", "exclusive_classes", exclusive)
    return model


def textcat_forward(
    model: Model[list[Doc], Floats2d], docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    batch = DocBatch(docs)
    results = [run(member, batch, is_train) for member in model.layers]
    Y = sum(Y for Y, _ in results) / len(results)

    def backprop(dY: Floats2d) -> list[Doc]:
        # spaCy's textcat passes Y − truth, and 0 where the truth is unknown.
        truth, known = Y - dY, dY != 0
        for Y_member, backprop_member in results:
            backprop_member((Y_member - truth) * known)
        return []

    return Y, backprop


describe_layer(textcat_forward, width=in_parallel)


def NEREnsemble(
    *,
    members: dict[str, Any],  # of Model; a config's blocks are checked before they are Models
    nO: int | None = None,
) -> Model[list[Doc], PooledChain]:
    """Score BILUO tag sequences with the mean of several models' scores.

    Registered as `spacy-seqrnn.NEREnsemble.v1`. The members' distributions over tag sequences are
    multiplied (a logarithmic opinion pool; Smith et al. 2005), so there is still one best sequence,
    and entities have probabilities as with a single model. Each member is trained on its own
    errors, as if it were alone. Training and prediction take as long as those of all members
    together.

    members: `spacy-seqrnn.NER.v1` models under names of your choice. They differ at least in their
        initial weights.
    nO: number of tags, 1 + 4 per label; set by the component.

    Returns a model that maps documents to a `PooledChain`.
    Raises ValueError if there is no member, or a member is not a model of this component.
    """
    model = _ensemble(members, ner_forward, nO, "gives_chain", "spacy-seqrnn.NER.v1")
    if len({member.attrs["adversarial"] > 0 for member in members.values()}) > 1:
        raise ConfigError(
            "members",
            None,
            "Some members of NEREnsemble have `adversarial = 0` and others do not, but they read "
            "each batch together: set it for all of them, or for none.",
        )
    model.attrs.update(resize_output=resize_output, in_chunks=ner_in_chunks)
    return model


def ner_forward(
    model: Model[list[Doc], PooledChain], docs: list[Doc], is_train: bool
) -> tuple[PooledChain, Callable[[PooledChain], list[Doc]]]:
    batch = DocBatch(docs)
    chains, backprops = zip(*(run(member, batch, is_train) for member in model.layers), strict=True)
    return PooledChain(chains), partial(_backprop_members, backprops)


describe_layer(ner_forward, width=in_parallel, fixed_attrs=["gives_chain"])


def ner_in_chunks(
    model: Model[list[Doc], PooledChain],
    docs: list[Doc],
    is_train: bool,
    *,
    adversarial: bool = False,
) -> Iterator[tuple[Chunk, PooledChain, Callable[[PooledChain], list[Doc]]]]:
    """Run the members on a batch of any size; see `run_in_chunks`.

    adversarial: yield each chunk twice if the members' option is set; see `encode_chunks`.
    """
    tok2vecs = [member.get_ref("tok2vec") for member in model.layers]
    distances = [member.attrs["adversarial"] if adversarial else 0.0 for member in model.layers]
    run = partial(_run_windows, distances=distances)
    return run_in_chunks(model, tok2vecs, docs, is_train, run, embed_first=any(distances))


def _run_windows(
    model: Model[list[Doc], PooledChain],
    batch: DocBatch,
    parts: list[Chunk],
    is_train: bool,
    *,
    distances: list[float],
) -> Iterator[tuple[Chunk, PooledChain, Callable[[PooledChain], list[Doc]]]]:
    members = [
        run_windows(member, batch, parts, is_train, distance=distance)
        for member, distance in zip(model.layers, distances, strict=True)
    ]
    for results in zip(*members, strict=True):
        chunks, chains, backprops = zip(*results, strict=True)
        yield chunks[0], PooledChain(chains), partial(_backprop_members, backprops)


def _backprop_members(backprops: Iterable[Backprop], d_chain: PooledChain) -> list[Doc]:
    for backprop_member, d_member in zip(backprops, d_chain.members, strict=True):
        backprop_member(d_member)
    return []


def Seq2SeqEnsemble(
    *,
    members: dict[str, Any],  # of Model; a config's blocks are checked before they are Models
) -> Seq2SeqModel:
    """Write texts with several encoder-decoders, whose probabilities of each unit are averaged.

    Registered as `spacy-seqrnn.Seq2SeqEnsemble.v1`. Sutskever et al. 2014. Each member is trained
    on its own errors, as if it were alone. Training and prediction take as long as those of all
    members together.

    members: `spacy-seqrnn.Seq2Seq.v1` models under names of your choice, with the same
        `source_unit`, `target_unit` and `copy`. They differ at least in their initial weights.

    Returns a model that maps documents to the states of each member's encoder.
    Raises ValueError if there is no member, or a member is not such a model, or they do not agree.
    """
    model = _ensemble(members, seq2seq_forward, None, "target_unit", "spacy-seqrnn.Seq2Seq.v1")
    model.attrs["source_unit"] = model.layers[0].attrs["source_unit"]
    for option in ("source_unit", "target_unit"):
        found = {name: member.attrs[option] for name, member in members.items()}
        _check_agreement("Seq2SeqEnsemble", option, found)
    copies = {name: decoders_of(member)[0].attrs["copy"] for name, member in members.items()}
    _check_agreement("Seq2SeqEnsemble", "copy", copies)
    return model


def seq2seq_forward(
    model: Seq2SeqModel, docs: list[Doc], is_train: bool
) -> tuple[list[Packed], Callable[[list[Packed]], list[Doc]]]:
    """The states of each member's encoder."""
    states, backprops = zip(*(member(docs, is_train) for member in model.layers), strict=True)

    def backprop(d_states: list[Packed]) -> list[Doc]:
        for backprop_member, d_member in zip(backprops, d_states, strict=True):
            backprop_member([d_member])
        return []

    return list(chain.from_iterable(states)), backprop


def of_same_units(model: Seq2SeqModel, width: int | None) -> None:
    """The members have a score for each of the same units."""
    for member in model.layers:
        output_width(member, None)
        check_same(member, "nO", model.maybe_get_dim("nO"))


describe_layer(seq2seq_forward, width=of_same_units, fixed_attrs=["source_unit", "target_unit"])


def _ensemble(
    members: dict[str, Any], forward: Forward, nO: int | None, attr: str, example: str
) -> Model[Any, Any]:
    """A model of members that all have the attribute `attr`, which it takes over from them.

    They have one copy of a frozen language model.

    example: an architecture of such models, for the error message.
    """
    kind = f"{example.split('.')[1]}Ensemble"
    if not members:
        raise ConfigError(
            "members", members, f"{kind} has no members: name at least one under `members`."
        )
    for name, member in members.items():
        if not isinstance(member, Model) or attr not in member.attrs:
            shown = f"the model {member.name!r}" if isinstance(member, Model) else repr(member)
            raise ConfigError(
                f"members.{name}",
                member,
                f"`members.{name} = {shown}` cannot be a member of {kind}: give the block an "
                f'`@architectures` line such as "{example}".',
            )
        if member._func in (ner_forward, seq2seq_forward):
            raise ConfigError(
                f"members.{name}",
                member,
                f"`members.{name}` is itself an ensemble: list its members directly under "
                "`members`.",
            )
        if member.maybe_get_dim("nO") not in (None, nO):
            raise ConfigError(
                f"members.{name}.nO",
                member.get_dim("nO"),
                f"`members.{name}.nO = {member.get_dim('nO')}` differs from that of the ensemble, "
                f"{nO}: "
                "omit both, and the component sets them.",
            )
    check_n_outputs(nO)
    layers = list(members.values())
    share_frozen(layers)
    model: Model[Any, Any] = Layer(
        kind,
        forward,
        init=init,
        dims={"nO": nO},
        layers=layers,
        attrs={attr: layers[0].attrs[attr]},
    )
    _refer_to_first(model)
    return model


def _check_agreement(kind: str, option: str, found: dict[str, Any]) -> None:
    """Raise ConfigError if members differ in an option. found: that of each member."""
    if len({*found.values()}) > 1:
        shown = ", ".join(
            f"{name} has {str(value).lower() if isinstance(value, bool) else repr(value)}"
            for name, value in found.items()
        )
        raise ConfigError(
            "members", None, f"The members of {kind} do not agree on `{option}`: {shown}."
        )


def init(model: Model[Any, Any], X: list[Doc] | None = None, Y: Floats2d | None = None) -> None:
    if Y is not None:
        model.set_dim("nO", Y.shape[1])
    for member in model.layers:
        member.set_dim("nO", model.get_dim("nO"))
        member.initialize(X=X, Y=Y)
    _refer_to_first(model)


def resize_output(model: Model[Any, Any], nO: int) -> Model[Any, Any]:
    """Make room for `nO` labels. What was learned for the old ones is kept."""
    for member in model.layers:
        member.attrs["resize_output"](member, nO)
    _refer_to_first(model)
    model.set_dim("nO", nO, force=True)
    return model


def _refer_to_first(model: Model[Any, Any]) -> None:
    """Point the references of the ensemble to the parts of its first member."""
    for name in model.layers[0].ref_names:
        model.set_ref(name, model.layers[0].maybe_get_ref(name))
