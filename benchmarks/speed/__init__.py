"""How fast the package is, compared with others that are measured at the same time."""
