"""The packed layout that every recurrent computation works on."""
