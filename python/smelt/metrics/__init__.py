"""Measures of how good an answer is: scikit-learn's, some with a kernel of smelt's own."""

from typing import TYPE_CHECKING

from smelt._family import family
from smelt.metrics import cluster as cluster

if TYPE_CHECKING:
    from smelt.metrics.contingency import adjusted_rand_score as adjusted_rand_score
    from smelt.metrics.contingency import fowlkes_mallows_score as fowlkes_mallows_score
    from smelt.metrics.contingency import pair_confusion_matrix as pair_confusion_matrix
    from smelt.metrics.contingency import rand_score as rand_score
    from smelt.metrics.dispersion import calinski_harabasz_score as calinski_harabasz_score
    from smelt.metrics.dispersion import davies_bouldin_score as davies_bouldin_score
    from smelt.metrics.mutual_information import (
        adjusted_mutual_info_score as adjusted_mutual_info_score,
    )
    from smelt.metrics.mutual_information import completeness_score as completeness_score
    from smelt.metrics.mutual_information import (
        homogeneity_completeness_v_measure as homogeneity_completeness_v_measure,
    )
    from smelt.metrics.mutual_information import homogeneity_score as homogeneity_score
    from smelt.metrics.mutual_information import mutual_info_score as mutual_info_score
    from smelt.metrics.mutual_information import (
        normalized_mutual_info_score as normalized_mutual_info_score,
    )
    from smelt.metrics.mutual_information import v_measure_score as v_measure_score
    from smelt.metrics.silhouette import silhouette_samples as silhouette_samples
    from smelt.metrics.silhouette import silhouette_score as silhouette_score

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "adjusted_mutual_info_score": "mutual_information",
        "adjusted_rand_score": "contingency",
        "calinski_harabasz_score": "dispersion",
        "completeness_score": "mutual_information",
        "davies_bouldin_score": "dispersion",
        "fowlkes_mallows_score": "contingency",
        "homogeneity_completeness_v_measure": "mutual_information",
        "homogeneity_score": "mutual_information",
        "mutual_info_score": "mutual_information",
        "normalized_mutual_info_score": "mutual_information",
        "pair_confusion_matrix": "contingency",
        "rand_score": "contingency",
        "silhouette_samples": "silhouette",
        "silhouette_score": "silhouette",
        "v_measure_score": "mutual_information",
    },
)
