"""Measure every figure beside its floor, in the same run, on the machine at hand."""
