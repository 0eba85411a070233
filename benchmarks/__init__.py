"""Benchmarks: every native algorithm beside its NumPy twin and its peers, in one run."""
