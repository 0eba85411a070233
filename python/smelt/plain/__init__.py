"""Every algorithm as a page of NumPy: the twins of the Rust kernels.

A twin has the path, the name, the arguments and the results of its kernel, and says the same in as
few lines as it can.  ``smelt.config(engine="plain")`` makes the estimators run on them.
"""
