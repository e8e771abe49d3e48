"""Which code made a measurement: the function, and what it reaches in the user's own files."""
