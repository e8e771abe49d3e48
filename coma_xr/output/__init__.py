"""The report of an experiment as HTML."""
