"""Datasets and DataFrames as files of other programs, and back."""
