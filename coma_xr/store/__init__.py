"""The places of measurements: in memory, in a directory, in an archive; and the directory of an experiment."""
