"""Whether language models let the verb agree with a subject that is far away."""
