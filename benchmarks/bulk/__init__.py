"""How long annotation of many texts takes."""
