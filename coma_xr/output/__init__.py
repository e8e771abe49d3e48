"""What leaves coma_xr: Datasets and DataFrames, written into the files of others."""
