"""Files: whole or absent, locked while they are written, damaged ones survived; results on disk.

Nothing is imported here: `hdf5_guard` has to start its helper before h5py is loaded.
"""
