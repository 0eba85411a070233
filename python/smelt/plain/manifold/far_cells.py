"""Repulsion by far cells in NumPy.  Kernels: ``manifold/{space_tree,repulsion}.rs``."""

from itertools import pairwise

import numpy as np

LEAF, GROUP, BITS = 16, 16, 21


def repel(embedding, angle):
    """Return sums of t w (y_i - y_j) over all j, and the sum of t over all i and j."""
    n, width = embedding.shape
    freedom = max(width - 1, 1)
    order, points, cells = build(embedding.astype(np.float32))
    starts = np.arange(0, n, GROUP)
    lows, highs = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    push, total = np.zeros((n, width)), 0.0
    for start, low, high in zip(starts, lows, highs, strict=True):
        # 1. the walk: what stands for all points, as this group of points sees them
        end, centers, masses = min(start + GROUP, n), [], []
        level = [0]
        while level:
            below = []
            for center, side2, first, last, children in (cells[c] for c in level):
                gap = np.maximum(np.maximum(low - center, center - high), 0)
                is_apart = last <= start or first >= end
                is_far = is_apart and side2 < np.float32(angle * angle) * (gap * gap).sum()
                if is_far or (not children and last - first > LEAF):
                    centers.append(center[None])
                    masses.append([last - first])
                elif children:
                    below += children
                else:
                    centers.append(points[first:last])
                    masses.append(np.ones(last - first))
            level = below
        # 2. each point of the group against all of it
        apart = points[start:end, None].astype(float) - np.concatenate(centers)
        w = 1 / (1 + (apart**2).sum(axis=2) / freedom)
        t = np.concatenate(masses) * w ** ((freedom + 1) / 2)
        push[order[start:end]] = np.einsum("ij,ijd->id", t * w, apart)
        total += t.sum() - (end - start)
    return push, total


def build(points):
    """Sort points along Morton's curve and cut the curve into cells."""
    # 1. the bits of the coordinates take turns
    width = points.shape[1]
    low, most = points.min(axis=0), np.float32((1 << BITS) - 1)
    extent = (points.max(axis=0) - low).max()
    scale = most / extent if extent > 0 else np.float32(0)
    places = np.minimum((points - low) * scale, most).astype(np.uint64)
    keys = np.zeros(len(points), dtype=np.uint64)
    for bit in range(BITS):
        for d in range(width):
            keys |= ((places[:, d] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(bit * width + d)
    order = np.argsort(keys, kind="stable")
    points, keys = points[order], [int(key) for key in keys[order]]
    sums = np.concatenate([np.zeros((1, width)), np.cumsum(points.astype(float), axis=0)])
    # 2. cells of many points are split where their keys first differ
    cells, stretches = [], [(0, len(keys))]
    for start, end in stretches:
        children: list[int] = []
        differ = keys[start] ^ keys[end - 1]
        if end - start > LEAF and differ:
            shift = (differ.bit_length() - 1) // width * width
            digits = np.array([key >> shift for key in keys[start:end]])
            cuts = [start, *(start + 1 + np.flatnonzero(np.diff(digits))), end]
            children = list(range(len(stretches), len(stretches) + len(cuts) - 1))
            stretches += pairwise(cuts)
        # 3. the mean of a cell, and the longest side of its smallest box
        center = ((sums[end] - sums[start]) / (end - start)).astype(np.float32)
        side = np.ptp(points[start:end], axis=0).max()
        cells.append((center, side * side, start, end, children))
    return order, points, cells
