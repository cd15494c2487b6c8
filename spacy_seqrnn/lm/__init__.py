"""Language models: the probability of each unit of a text, given those before it."""
