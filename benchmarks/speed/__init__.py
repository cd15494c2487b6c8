"""How fast the package is, beside others in the same minutes."""
