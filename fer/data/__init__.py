"""One dataset, one file: rows of a Hub dataset repository (remote or a folder of the same layout) -> training arrays."""
