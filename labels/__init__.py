"""Turn values into what leaves the printer, byte for byte."""
