"""From the scores that a model gives to entities and their probabilities."""

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
    """The part of a recogniser that finds entities among all tag sequences.

    Prediction, calibration, explanations and reports go through it: `chains` scores documents,
    `entities` finds the best, and `scores` says how probable they are.
    """

    def chains(self, docs: Sequence[Doc]) -> LinearChain:
        """The scores of all tag sequences that prediction can find.

        docs: what earlier components made of the texts; at least one, also without tokens.

        Returns one chain for all documents, emissions of shape (n_tokens, n_tags) in packed order;
        of an ensemble the mean of its members' chains. Raises KeyError before `initialize`.
        """
        return self.constrain(pooled(self.model.predict(docs)), docs)

    def constrain(self, chain: LinearChain, docs: Sequence[Doc]) -> LinearChain:
        """Rule out what the documents' annotation forbids and labels that were never trained.

        chain: what the model gives for the documents.
        docs: see `chains`.

        Returns the chain in which all of that has the score -inf.
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

        The best is the most probable one, with `label_weights` the one whose probability times the
        weights of its entities is largest.

        chain: what `chains` gives.
        temperature: at which the weights multiply probabilities; None: the fitted one.

        Returns their documents, first tokens, lengths and label numbers, in the order of the text.
        Raises ValueError if `label_weights` name an unknown label.
        """
        self._check_label_weights()
        temperature = self.temperature if temperature is None else temperature
        best = viterbi(weighted(chain, self.label_weights, self.labels, temperature))
        tags = self.model.ops.to_numpy(best)
        return entities_of_tags(tags[chain.packing.from_packed], chain.packing.lengths)

    def scores(self, chain: LinearChain, entities: Entities) -> np.ndarray:
        """The probability of each entity at the fitted temperature, whatever the label weights.

        chain: what `chains` gives.
        entities: those that `entities` gives, or any others of the same documents.

        Returns the probability of all tag sequences that have exactly the entity, as float32, shape
        (n_entities,).
        """
        tempered = chain if self.temperature == 1.0 else chain.scale(1.0 / self.temperature)
        scores = chain.xp.exp(segment_log_posteriors(tempered, entities.segments()))
        on_host: np.ndarray = self.model.ops.to_numpy(scores)
        return on_host.astype("float32")

    def calibrate(
        self, nlp: Language, examples: Iterable[Example], *, batch_size: int = 256
    ) -> float:
        """Fit the temperature of the entities' scores (Guo et al. 2017).

        It changes no entity, unless there are `label_weights`, which then count for the new scores.

        nlp: the pipeline, whose earlier components run first.
        examples: annotated ones that the model was not trained on, best the development data.
        batch_size: examples that are read at a time.

        Returns the temperature, which is saved with the component. Whoever trains on has to
        calibrate again. Raises ValueError if there is no entity to learn from.
        """
        scored = []
        with nlp.select_pipes(disable=nlp.pipe_names[nlp.pipe_names.index(self.name) :]):
            for batch in minibatch((eg for eg in examples if len(eg.predicted)), batch_size):
                chain = self.chains(list(nlp.pipe(example.predicted for example in batch)))
                # What was fitted before must not choose what to fit to.
                found = self.entities(chain, temperature=1.0)
                scored.append(judge(batch, chain, found, self._label_numbers))
        if not any(len(batch.right) for batch in scored):
            raise ValueError(
                f"'{self.name}' cannot be calibrated: it finds no entity in the examples that is "
                "known to be right or wrong. Give it a trained model and annotated examples."
            )
        # Rounded, because settings are saved with ten digits and their checksum would count all.
        self.cfg["temperature"] = round(fit_temperature(scored), 6)
        return self.temperature
