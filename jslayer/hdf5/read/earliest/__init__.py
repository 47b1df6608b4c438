"""A look at an hdf5 file in our own bytes, before the hdf5 library sees it.

The library ends the process, or hangs, on some files that are damaged or made to harm, most of
them of its newer formats. Only the earliest format, which jslayer, h5py by itself and the older
tools write, passes, and only where every block that leads to the data is sound.

References:
  The HDF Group, HDF5 File Format Specification Version 3.0.
"""
