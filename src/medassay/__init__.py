"""Disease-specific medical databases, and validation reports for the algorithms tested on them."""

__version__ = "0.1.0"
