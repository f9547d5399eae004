"""AU-DFER reproduction harness. Importing this package imports no torch."""

__version__ = "0.1.0"
