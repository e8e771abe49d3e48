"""Where measurements lie: in memory, in a directory, in an archive; and the directory of an experiment."""
