"""One dataset, one file: rows of a dataset repository in the Hub's layout -> training arrays."""
