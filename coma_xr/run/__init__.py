"""From parameter sets to outcomes: what is to be done, how one set is run, how all of them are."""
