"""Annotation of many texts: the tables of docs/scaling.md."""
