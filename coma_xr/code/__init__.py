"""The code that made a measurement: the function, and all that it reaches in the user's own files."""
