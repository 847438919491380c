"""Where `as_array` used to be."""

from ibcollapse.array_backend import as_array

__all__ = ["as_array"]
