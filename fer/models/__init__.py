"""One paper, one file. Importing this package builds nothing."""
