"""Measures of clusterings, under the name that scikit-learn has for them alone."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from smelt._family import family

if TYPE_CHECKING:
    from smelt.metrics.contingency import adjusted_rand_score as adjusted_rand_score
    from smelt.metrics.contingency import contingency_matrix as contingency_matrix
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

_MODULES = {
    "adjusted_mutual_info_score": "mutual_information",
    "adjusted_rand_score": "contingency",
    "calinski_harabasz_score": "dispersion",
    "completeness_score": "mutual_information",
    "contingency_matrix": "contingency",
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
}
_passed, _passed_names, _ = family(__name__, {})
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"smelt.metrics.{_MODULES[name]}"), name)
    return _passed(name)


def __dir__() -> list[str]:
    return sorted({*_MODULES, *_passed_names()})
