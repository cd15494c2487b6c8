"""The architectures that a config can name."""
