"""What the models for entities and for texts share after the encoder."""

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from spacy.ty import ListenedToComponent
from thinc.api import Model

from ..config_errors import ConfigError
from ..config_places import pipeline_at_work
from ..rnn.dropout import dropout_mask
from ..saved.shapes import Layer
from ..types import Floats1d, Floats2d, FloatsXd, Ints1d

# A label that is added to a trained classifier starts this far below the least likely one, in
# logits: the other labels hardly change, and the new one can still be learned.
NEW_LABEL_MARGIN = 5.0


def init_tok2vec(tok2vec: Model[Any, Any], X: list[Doc] | None) -> int:
    """Initialise the option `tok2vec` of a model. Returns the width of the vectors.

    Raises ConfigError if it does not map documents to token vectors, or if it is a listener whose
    width differs from that of the component it listens to.
    """
    check_listeners(tok2vec)
    try:
        tok2vec.initialize(X=X)
        return tok2vec.maybe_get_dim("nO") or tok2vec.predict(X)[0].shape[1]
    except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        if isinstance(error, ConfigError) and error.option != "@architectures":
            raise  # about an option within it
        raise ConfigError(
            "tok2vec",
            tok2vec.name,
            f"`tok2vec = {tok2vec.name!r}` cannot be initialised to give token vectors: {error}",
        ) from error


def check_listeners(tok2vec: Model[Any, Any]) -> None:
    """Raise ConfigError if a listener is not as wide as the component that it listens to.

    Only a pipeline links the two; without one, `check_width` raises the error in training.
    """
    nlp = pipeline_at_work()
    nodes = list(tok2vec.walk())
    for name, component in nlp.components if nlp else ():  # including frozen ones
        if not isinstance(component, ListenedToComponent):
            continue
        for listener in component.listeners:
            own, width = listener.maybe_get_dim("nO"), component.model.maybe_get_dim("nO")
            if listener in nodes and None not in (own, width) and own != width:
                raise ConfigError(
                    "width",
                    own,
                    f"The listener has `width = {own}`, but the token vectors of '{name}', which "
                    f"it listens to, are {width} wide in [components.{name}.model]: use the same "
                    "width in both.",
                    layer=listener,
                )


def check_width(tok2vec: Model[Any, Any], X: Floats2d) -> None:
    """Raise ConfigError if the width of the token vectors differs from the option of `tok2vec`."""
    width = tok2vec.maybe_get_dim("nO")
    if len(X) and width is not None and X.shape[1] != width:
        raise ConfigError(
            "width",
            width,
            f"The token vectors are {X.shape[1]} wide, but the `tok2vec` has `width = {width}`: "
            "give a listener the width of the encoder that it listens to.",
        )


def check_truth(model: Model[Any, Any], Y: Any) -> None:
    """Raise ValueError if the component's training labels are not for a text classifier.

    Y: the first texts' labels, shape (n_docs, nO).
    """
    if getattr(Y, "ndim", None) != 2 and not model.has_dim("nO"):
        raise ConfigError(
            "@architectures",
            None,
            f"'{model.name}' predicts categories of texts: set its `@architectures` in the `model` "
            "of "
            "a component with the factory `textcat` or `textcat_multilabel`.",
        )
    if Y is not None and not model.attrs["multi_label"] and (Y.sum(axis=1) > 1).any():
        raise ConfigError(
            "exclusive_classes",
            True,
            "`exclusive_classes = true`, but a text of the training data has several categories: "
            "set it to false, with the factory `textcat_multilabel`.",
        )


def clip_gradients(model: Model[Any, Any], max_norm: float) -> None:
    """Scale all gradients of a model so that their joint Euclidean norm is at most `max_norm`.

    Pascanu et al. 2013. spaCy's optimizer clips each parameter separately instead, which changes
    the direction of the update. A `max_norm` of 0 disables clipping.
    """
    if not max_norm:
        return
    gradients: list[FloatsXd] = [
        node.get_grad(name) for node in model.walk() for name in node.grad_names
    ]
    flat = [gradient.ravel() for gradient in gradients]
    norm = sum(gradient @ gradient for gradient in flat) ** 0.5
    if model.ops.device_type == "gpu" or float(norm) > max_norm:
        # Written so that nothing has to be copied back from a GPU.
        factor = (max_norm / norm).clip(max=1.0)
        for gradient in gradients:
            gradient[...] *= factor


def resized_linear(
    layer: Model[Floats2d, Floats2d], nO: int, *, new_bias: float
) -> Model[Floats2d, Floats2d]:
    """A copy of an output layer with parameters W and b that has more outputs.

    Learned values are kept; new outputs get weights of 0 and the bias `new_bias`. The copy is a new
    node, so that an optimizer does not apply moments of the old shape to it.
    """
    new = Layer(
        layer.name,
        layer._func,
        init=layer.init,
        dims={"nO": nO, "nI": layer.maybe_get_dim("nI")},
        params={"W": None, "b": None},
        attrs=dict(layer.attrs),
        ops=layer.ops,
    )
    if layer.has_param("W"):
        old_nO = layer.get_dim("nO")
        W: Floats2d = layer.ops.alloc2f(nO, layer.get_dim("nI"))
        b: Floats1d = layer.ops.alloc1f(nO)
        W[:old_nO], b[:old_nO] = layer.get_param("W"), layer.get_param("b")
        b[old_nO:] = new_bias
        new.set_param("W", W)
        new.set_param("b", b)
    return new


def dropout_forward(
    model: Model[Any, Any], X: Floats2d, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """Dropout at the model's `dropout_rate`, which spaCy's `[training] dropout` sets."""
    rate = model.attrs["dropout_rate"]
    if not is_train or not rate:
        return X, lambda dY: dY
    mask = dropout_mask(model.ops, X.shape, rate)
    return X * mask, lambda dY: dY * mask


def probabilities(
    model: Model[Any, Any], logits: Floats2d, lengths: Ints1d
) -> tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """The probabilities of text categories, shape (n_docs, nO), by the model's attr `multi_label`.

    lengths: tokens of each document. A document without tokens has 0 for every label.

    Returns them with the backward pass from spaCy's gradient to the logits: spaCy's textcat passes
    Y − truth, which already is the gradient of the cross entropy for the logits, after a softmax
    and after a logistic function alike. It is returned unchanged.
    """
    ops = model.ops
    read = ops.asarray((lengths > 0)[:, None], dtype="float32")
    Y = (ops.sigmoid(logits) if model.attrs["multi_label"] else ops.softmax(logits)) * read
    return Y, lambda dY: ops.as_contig(dY * read, dtype="float32")


def new_label_bias(output: Model[Any, Any]) -> float:
    """The bias of new labels, from those that an output layer has; 0 if it has none."""
    return float(output.get_param("b").min()) - NEW_LABEL_MARGIN if output.has_param("b") else 0.0
