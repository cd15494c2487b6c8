"""Find where in a config an option is, from the calls that an error has passed through.

A function that creates a layer does not know for which block of the config it is called, and a
layer that is initialised or trained does not know the block it was created from. Their callers do:
confection, which resolves nested blocks, and spaCy's `Language`, which has each component's config.
"""

from collections.abc import Iterator
from inspect import currentframe
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any

from spacy.language import Language
from spacy.schemas import CONFIG_SCHEMAS
from thinc.api import Model

Keys = list[str]

COMPONENTS = "components"
# The functions of spaCy in which models are initialised, each with the pipeline as `nlp`
INITIALISE = ("initialize", "create_pretraining_model")


def find_block(
    option: str, value: Any, traceback: TracebackType | None, layer: Model[Any, Any] | None = None
) -> Keys:
    """The keys of the block that has an option, e.g. ["components", "ner", "model", "tok2vec"].

    value: the value of the option; it distinguishes blocks where the calls do not.
    traceback: of the error, from a caller that knows the config.
    layer: the layer that has the option, if the error was raised outside of it.

    Returns [] if none of the callers knows the config.
    """
    frames = [frame for frame, _ in walk_tb(traceback)]
    try:
        return _resolved_block(frames) or _used_block(frames, option, value, layer)
    except (KeyError, AttributeError, TypeError, ValueError):
        return []  # unknown versions of the callers; the error itself must still be shown


def pipeline_at_work() -> Language | None:
    """The pipeline that is being initialised or pretrained, which spaCy does not pass to a model.

    Returns None if a model is initialised without a pipeline.
    """
    frame = currentframe()
    while frame is not None:
        nlp = frame.f_locals.get("nlp") if frame.f_code.co_name in INITIALISE else None
        if isinstance(nlp, Language):
            return nlp
        frame = frame.f_back
    return None


# While layers are created


def _resolved_block(frames: list[FrameType]) -> Keys:
    """The block whose function confection was calling; [] if there was none."""
    component, outer = None, None
    section: Keys = []
    keys: Keys = []
    for frame in frames:
        found = frame.f_locals
        match _name(frame):
            case "spacy.language", "Language.create_pipe":
                component = found["name"]
            case "confection._registry", "registry.resolve":
                if outer is not None:
                    break  # a block's function resolves another config
                section, keys = _section(found.get("schema")), []
            case "confection._registry", "resolve_promises":
                keys.append(found["key"])
            case "confection._registry", "Promise.resolve":
                keys += _keys_to(found["self"], outer)
                outer = found["self"]
    if outer is None:
        return []
    # A component's block is resolved under the name of its factory.
    return [*section, *keys] if component is None else [COMPONENTS, component, *keys[1:]]


def _name(frame: FrameType) -> tuple[str, str]:
    return frame.f_globals.get("__name__", ""), frame.f_code.co_qualname


def _section(schema: Any) -> Keys:
    """The section of a training config that has the schema."""
    return [name for name, known in CONFIG_SCHEMAS.items() if known is schema]


def _keys_to(promise: Any, outer: Any) -> Keys:
    """The keys from one block to a block within it, both given as confection's promises."""
    if outer is None:
        return []
    parts = {**outer.kwargs, "*": outer.var_args}
    return next(([*keys] for keys, part in all_parts(parts) if part is promise), [])


def all_parts(block: dict[str, Any], keys: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Everything in a block and its sub-blocks, with its keys, outer before inner."""
    for key, part in block.items():
        yield (*keys, key), part
    for key, part in block.items():
        if isinstance(part, dict):
            yield from all_parts(part, (*keys, key))


# While layers are used


def _used_block(
    frames: list[FrameType], option: str, value: Any, layer: Model[Any, Any] | None = None
) -> Keys:
    """The block of the component that was running; [] if there was none."""
    nlp, name, component = None, None, None
    running = [] if layer is None else [layer]
    for frame in frames:
        found = frame.f_locals
        if isinstance(found.get("self"), Language):
            nlp = found["self"]
        if _name(frame)[0] in ("spacy.language", "spacy.util") and {"name", "proc"} <= set(found):
            name, component = found["name"], found["proc"]
        if isinstance(found.get("model"), Model):
            running.append(found["model"])
    config = nlp.config.interpolate()[COMPONENTS].get(name) if nlp else None
    if config is None:
        return []
    keys, block = _running_block(getattr(component, "model", None), config, running)
    return [COMPONENTS, str(name), *keys, *_nearest(block, option, value)]


def _running_block(
    model: Model[Any, Any] | None, component: dict[str, Any], running: list[Model[Any, Any]]
) -> tuple[Keys, dict[str, Any]]:
    """The innermost block with a running layer, and its keys."""
    keys: Keys = []
    block = component
    inner = [(["model"], model)] if model in running and "model" in component else []
    while inner:
        [(more, model), *_] = inner
        for key in more:
            block = block[key]
        keys += more
        inner = [
            (more, part)
            for more, part in _layers_of(model, block)
            if any(node in running for node in part.walk())
        ]
    return keys, block


def _layers_of(model: Model[Any, Any], block: dict[str, Any]) -> list[tuple[Keys, Model[Any, Any]]]:
    """The layers that the blocks within a block have become, as far as they can be told apart.

    Members of an ensemble are in the order of its blocks, and layers of LexemeEmbed in the order of
    its `layers`, if none of them reads word vectors; other layers have the option's name:
    `tok2vec`.
    """
    for option, n in (("members", len(model.layers)), ("layers", model.attrs.get("n_kept", 0))):
        parts, layers = block.get(option), model.layers[:n]
        if isinstance(parts, dict) and len(parts) == n:
            return [([option, key], part) for key, part in zip(parts, layers, strict=True)]
    refs = [key for key in model.ref_names if isinstance(block.get(key), dict)]
    named = [([key], model.maybe_get_ref(key)) for key in refs]
    return [(key, part) for key, part in named if part is not None]


def _nearest(block: dict[str, Any], option: str, value: Any) -> Keys:
    """The keys of the nearest block that has an option, if possible with this value."""
    blocks = [((), block), *all_parts(block)]
    having = [(keys, part) for keys, part in blocks if isinstance(part, dict) and option in part]
    having.sort(key=lambda found: found[1][option] != value)
    return [*having[0][0]] if having else []
