"""Parts of `coma_xr.plot`: from a Dataset and names to the artists of a figure."""
