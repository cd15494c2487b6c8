"""Go through the steps of a training run once more without training."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from spacy.language import Language
from spacy.training import Example

Scores = tuple[float, dict[str, Any]]  # the one that selects the best pipeline, and all others


class Replay:
    """Stands in for a pipeline, in which it changes nothing as long as `is_on`.

    spaCy's loop, `train_while_improving`, always begins at step 0. It sees this object instead of
    the pipeline, so that the loop itself brings the schedules, the counted words, the results so
    far and the position in the data to where they were, as they are all its own. That needs no copy
    of the loop, only what it uses of a pipeline, and another evaluation.
    """

    def __init__(
        self,
        nlp: Language,
        evaluate: Callable[[], Scores],
        before_update: Callable[[Language, dict[str, Any]], None] | None,
        results: Iterable[Scores],
    ) -> None:
        """evaluate, before_update: the callbacks of the training.

        results: those of the steps that are gone through.
        """
        self._nlp = nlp
        self._evaluate = evaluate
        self._before_update = before_update
        self._results = iter(results)
        self.is_on = True

    def update(self, examples: Iterable[Example], **options: Any) -> None:
        if not self.is_on:
            self._nlp.update(examples, **options)

    @property
    def pipeline(self) -> list[tuple[str, Any]]:
        """The components that finish an update."""
        return [] if self.is_on else self._nlp.pipeline

    def use_params(self, params: Any) -> AbstractContextManager[None]:
        return nullcontext() if self.is_on else self._nlp.use_params(params)

    def evaluate(self) -> Scores:
        """The result of an evaluation: the earlier one, or a new one."""
        return next(self._results) if self.is_on else self._evaluate()

    def before_update(self, _: Any, at: dict[str, Any]) -> None:
        """Call the user's callback, also for earlier steps, since it may change settings."""
        if self._before_update:
            self._before_update(self._nlp, at)
