"""The twins of :mod:`smelt.linalg`: textbook algorithms, one a file."""

from smelt.plain.linalg.cholesky import cholesky
from smelt.plain.linalg.eigh import eigh
from smelt.plain.linalg.gram import gram
from smelt.plain.linalg.lstsq import lstsq
from smelt.plain.linalg.matmul import matmul
from smelt.plain.linalg.qr import qr
from smelt.plain.linalg.randomized_svd import randomized_svd
from smelt.plain.linalg.solve import solve
from smelt.plain.linalg.solve_triangular import solve_triangular
from smelt.plain.linalg.svd import svd

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
