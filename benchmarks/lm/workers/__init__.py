"""What is compared: a module for each kind of model, run by the Python that supports it."""
