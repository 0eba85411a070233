"""Measures of how good an answer is: scikit-learn's, some with a kernel of smelt's own."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.metrics.silhouette import silhouette_samples as silhouette_samples
    from smelt.metrics.silhouette import silhouette_score as silhouette_score

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "silhouette_samples": "silhouette",
        "silhouette_score": "silhouette",
    },
)
