"""The commands of the terminal, one module a theme; `coma_xr.cli` reads the words and calls them."""
