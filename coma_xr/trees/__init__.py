"""Measurement trees, without a disk: paths into them, their plain form, their text."""
