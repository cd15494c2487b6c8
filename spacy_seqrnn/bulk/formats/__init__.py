"""Formats of inputs, one a file: how each is divided into parts, and how a part is read."""
