"""Quantised gradients: multiples of a power of two, rounded up or down at random."""

import numpy as np

LARGEST = np.float32(1023)  # of a quantised number: eleven bits with the sign


def quantized(gradient, hessian, seed):
    """Return gradients and curvatures of float32 as their quantised neighbours."""
    shares = two_shares(len(gradient), seed)
    return tuple(
        np.floor(values / unit(values) + share) * unit(values)
        for values, share in zip((gradient, hessian), shares, strict=True)
    )


def unit(values):
    """Return the smallest power of two of which the largest value is at most 1023."""
    largest = np.abs(values).max()
    if not np.isfinite(largest) or largest == 0:
        return np.float32(1)
    mantissa, exponent = np.frexp(largest / LARGEST)
    return np.float32(2.0 ** max(exponent - (mantissa == 0.5), -119))


def two_shares(n, seed):
    """Return two numbers of [0, 1) for each row, by multiplying and shifting its number."""
    bits = (np.arange(n, dtype=np.uint32) ^ np.uint32(seed)) * np.uint32(0x9E3779B1)
    bits ^= bits >> np.uint32(15)
    bits *= np.uint32(0x85EBCA77)
    bits ^= bits >> np.uint32(13)
    halves = (bits & np.uint32(0xFFFF), bits >> np.uint32(16))
    return [half.astype(np.float32) / np.float32(65536) for half in halves]
