"""Named arrays in a file or in memory, the same for every format."""
