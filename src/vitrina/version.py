"""The version of the package; the changelog's top entry names the same."""

__version__ = "0.1.0"
