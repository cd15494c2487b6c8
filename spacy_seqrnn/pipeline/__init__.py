"""What `nlp.add_pipe` can name."""
