"""Parameters with their names and places, sets of their values, scans over them, and conditions."""
