"""How good and how fast language models are, compared with those of others."""
