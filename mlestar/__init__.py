"""mlestar: the STAR stages of machine learning engineering as pipeline components."""

__version__ = "0.1.0"
