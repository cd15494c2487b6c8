"""Sequence to sequence: encoder, decoder with attention, and what is built of them."""
