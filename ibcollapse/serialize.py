"""Results ↔ plain dict ↔ JSON or HDF5: the documented door to `ibcollapse.storage.serialize`."""

from ibcollapse.storage.serialize import from_dict, load_result, register, save, to_dict

__all__ = ["from_dict", "load_result", "register", "save", "to_dict"]
