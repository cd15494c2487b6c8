"""From a model's scores to entities and their probabilities."""

from collections.abc import Iterable, Sequence

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ..crf.chain import LinearChain, pooled
from ..crf.decoding import viterbi
from ..crf.expectations import segment_log_posteriors
from .annotations import allowed_by_docs
from .biluo import Entities, entities_of_tags, n_tags
from .calibration import fit_temperature, judge
from .label_weights import weighted
from .labels import LabelledPipe, tags_of


class ChainInference(LabelledPipe):
    """The part of a recogniser that selects entities from all tag sequences.

    Prediction, calibration, explanations and reports use it: `chains` scores documents, `entities`
    selects the best entities, and `scores` gives their probabilities.
    """

    def chains(self, docs: Sequence[Doc]) -> LinearChain:
        """The scores of all tag sequences that can be predicted.

        docs: the output of earlier components; at least one document, which may have no tokens.

        Returns one chain for all documents, emissions of shape (n_tokens, n_tags) in packed order;
        for an ensemble, the mean of its members' chains. Raises KeyError before `initialize`.
        """
        return self.constrain(pooled(self.model.predict(docs)), docs)

    def constrain(self, chain: LinearChain, docs: Sequence[Doc]) -> LinearChain:
        """Forbid what the documents' annotation rules out, and labels that were never trained.

        chain: the model's output for the documents.
        docs: see `chains`.

        Returns the chain with a score of -inf for everything forbidden.
        """
        numbers = self._label_numbers
        if self.cfg["unseen_labels"]:
            seen = [label not in self.cfg["unseen_labels"] for label in self.labels]
            chain = chain.restrict(chain.xp.asarray(tags_of(seen)))
            numbers = {name: number for name, number in numbers.items() if seen[number]}
        allowed = allowed_by_docs(docs, numbers, n_tags(len(self.labels)))
        if allowed is None:
            return chain
        return chain.restrict(chain.xp.asarray(allowed[chain.packing.to_packed]))

    def entities(self, chain: LinearChain, *, temperature: float | None = None) -> Entities:
        """The entities of the best tag sequences.

        The best sequence is the most probable one; with `label_weights`, it maximises the
        probability times the weights of its entities.

        chain: what `chains` returns.
        temperature: the temperature at which weights multiply probabilities; None: the fitted one.

        Returns documents, first tokens, lengths and label numbers of the entities, in the order of
        the text. Raises ValueError if `label_weights` name an unknown label.
        """
        self._check_label_weights()
        temperature = self.temperature if temperature is None else temperature
        best = viterbi(weighted(chain, self.label_weights, self.labels, temperature))
        tags = self.model.ops.to_numpy(best)
        return entities_of_tags(tags[chain.packing.from_packed], chain.packing.lengths)

    def scores(self, chain: LinearChain, entities: Entities) -> np.ndarray:
        """The probability of each entity at the fitted temperature, regardless of label weights.

        chain: what `chains` returns.
        entities: what `entities` returns, or any other entities of the same documents.

        Returns the total probability of the tag sequences that contain exactly the entity, as
        float32, shape (n_entities,).
        """
        tempered = chain if self.temperature == 1.0 else chain.scale(1.0 / self.temperature)
        scores = chain.xp.exp(segment_log_posteriors(tempered, entities.segments()))
        on_host: np.ndarray = self.model.ops.to_numpy(scores)
        return on_host.astype("float32")

    def calibrate(
        self, nlp: Language, examples: Iterable[Example], *, batch_size: int = 256
    ) -> float:
        """Fit the temperature of the entities' scores (Guo et al. 2017).

        Entities change only if there are `label_weights`, which apply to the newly scaled scores.

        nlp: the pipeline, whose earlier components run first.
        examples: annotated examples that the model was not trained on, ideally the development
            data.
        batch_size: how many examples are read at a time.

        Returns the temperature, which is saved with the component. After more training, calibrate
        again. Raises ValueError if there is no entity to fit it to.
        """
        scored = []
        with nlp.select_pipes(disable=nlp.pipe_names[nlp.pipe_names.index(self.name) :]):
            for batch in minibatch((eg for eg in examples if len(eg.predicted)), batch_size):
                chain = self.chains(list(nlp.pipe(example.predicted for example in batch)))
                # The previous temperature must not influence which entities are judged.
                found = self.entities(chain, temperature=1.0)
                scored.append(judge(batch, chain, found, self._label_numbers))
        if not any(len(batch.right) for batch in scored):
            raise ValueError(
                f"'{self.name}' cannot be calibrated: it predicts no entity in the examples that "
                "is "
                "known to be right or wrong. Use a trained model and annotated examples."
            )
        # Rounded, because settings are saved with ten digits and their checksum covers all digits.
        self.cfg["temperature"] = round(fit_temperature(scored), 6)
        return self.temperature
