"""What is timed: a module for each way to do the same work, run by the Python that supports it."""
