"""Dense linear algebra: the products and factorizations that the learning algorithms stand on.

Functions are called as in :mod:`scipy.linalg` and :mod:`numpy.linalg`.  ``float32`` stays
``float32``, everything else becomes ``float64``; results have the same bits for any number of
threads; signs that mathematics leaves open are fixed, so that factors can be compared.
"""

from smelt.linalg.cholesky import cholesky
from smelt.linalg.eigh import eigh
from smelt.linalg.gram import gram
from smelt.linalg.lstsq import lstsq
from smelt.linalg.matmul import matmul
from smelt.linalg.qr import qr
from smelt.linalg.randomized_svd import randomized_svd
from smelt.linalg.solve import solve
from smelt.linalg.solve_triangular import solve_triangular
from smelt.linalg.svd import svd

__all__ = [
    "cholesky",
    "eigh",
    "gram",
    "lstsq",
    "matmul",
    "qr",
    "randomized_svd",
    "solve",
    "solve_triangular",
    "svd",
]
