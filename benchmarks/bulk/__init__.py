"""How long annotation of many texts takes: the tables of docs/scaling.md."""
