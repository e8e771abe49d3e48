"""What is to be run: names and places of parameters, sets of their values, scans over them."""
