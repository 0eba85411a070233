"""Local outlier factor: how much thinner a row's neighbourhood is than those of its neighbours."""

import numpy as np


def local_outlier_factor_fit(distances, ids, kth_distance):
    # 1. The reach of a neighbour: at least the distance to its own k-th neighbour.
    reach = np.maximum(distances, kth_distance[ids])
    # 2. The density: one over the mean reach.
    return 1 / (reach.mean(axis=1) + 1e-10)


def local_outlier_factor_score(density, ids, density_of_rows):
    # 3. The mean density of the neighbours over the row's own.
    return (density_of_rows[ids] / density[:, None]).mean(axis=1)
