"""Clustering: groups of rows that lie near each other."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.cluster.agglomerative_clustering import (
        AgglomerativeClustering as AgglomerativeClustering,
    )
    from smelt.cluster.dbscan import DBSCAN as DBSCAN
    from smelt.cluster.hdbscan import HDBSCAN as HDBSCAN
    from smelt.cluster.k_means import KMeans as KMeans
    from smelt.cluster.mini_batch_k_means import MiniBatchKMeans as MiniBatchKMeans

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "AgglomerativeClustering": "agglomerative_clustering",
        "DBSCAN": "dbscan",
        "HDBSCAN": "hdbscan",
        "KMeans": "k_means",
        "MiniBatchKMeans": "mini_batch_k_means",
    },
)
