"""What is timed: one module for each way to do the same work, run by the Python that has it."""
