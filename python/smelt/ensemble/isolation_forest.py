"""Isolation forests."""

from __future__ import annotations

from numbers import Integral
from time import perf_counter
from typing import Any, ClassVar
from warnings import warn

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.ensemble import IsolationForest as _IsolationForest
from sklearn.ensemble._bootstrap import _get_n_samples_bootstrap
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from smelt._kernel import kernel
from smelt._validate import in_parts, nothing_lost, validate_predict
from smelt.tree._base_tree import LARGEST_SEED, PART, by_column, rows
from smelt.tree._nodes import Nodes, cut, predicting
from smelt.tree.extra_tree import ExtraTreeRegressor

FEW = 64  # rows whose quick check pays


class IsolationForest(_IsolationForest):
    r"""Isolation forest: finds the rows that few random cuts part from all others.

    The score of a row :math:`x` is

    .. math:: s(x) = -2^{-\bar h(x) / c(m)}

    with :math:`\bar h` its mean path length over the trees, each grown on :math:`m` rows by cuts at
    random thresholds of random columns, and :math:`c(m)` the average path length of such a tree.
    Near -1 a row is soon alone, an outlier; near -0.5 and above it is as others are.

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees (1 or more).
    max_samples : "auto", int or float, default="auto"
        Rows drawn for each tree: a number, a share, or min(256, all).
    contamination : "auto" or float, default="auto"
        Share of outliers in the data (above 0, to 0.5), which sets ``offset_``; "auto" takes -0.5.
    max_features : int or float, default=1.0
        Columns drawn for each tree: a number or a share.
    bootstrap : bool, default=False
        Whether rows are drawn with replacement.
    n_jobs : int, default=None
        Threads; None takes smelt's setting, which is all cores.  Scoring uses them too.
    random_state : int, RandomState instance or None, default=None
        Draws rows, columns and thresholds.  An integer gives scikit-learn's trees and scores of the
        same integer.
    verbose : int, default=0
        Above 0, ``fit`` prints how many trees it grew and how long that took.
    warm_start : bool, default=False
        Whether a further fit keeps the trees and adds those that ``n_estimators`` asks for.
    extension_level : int or "full", default=0
        The extended isolation forest: cuts by hyperplanes in random directions of this many
        columns and one more.  0 cuts along the columns, "full" uses all columns of a tree.  Helps
        where rows lie along slanted lines or in several groups; takes no missing values.

    Attributes
    ----------
    offset_ : float
        What ``decision_function`` takes from ``score_samples``.
    max_samples_ : int
        Rows drawn for each tree.
    estimator_ : ExtraTreeRegressor
        The kind of tree.
    estimators_ : list of ExtraTreeRegressor
        The trees; they predict path lengths.  Not there with ``extension_level`` above 0.
    estimators_features_ : list of ndarray
        Columns drawn for each tree.
    estimators_samples_ : list of ndarray
        Rows drawn for each tree.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    nodes_ : dict of ndarray
        The nodes of all trees behind each other, in scikit-learn's arrays, and their path lengths.

    Raises
    ------
    ValueError
        For infinite values, which no threshold can be drawn for, and missing values where
        ``extension_level`` is above 0.

    See Also
    --------
    smelt.ensemble.ExtraTreesRegressor : The same cuts, made to predict.

    Notes
    -----
    ``X`` is used as float32, as by scikit-learn.  Scoring costs one step a row, tree and level, 8
    levels as a rule.  scikit-learn grows its trees on random targets; where two rows alone in a
    node have targets that agree to 1e-7, it may leave them together (once in a thousand forests).

    References
    ----------
    Liu, Ting, Zhou, "Isolation forest", *ICDM* 2008.
    Hariri, Kind, Brunner, "Extended isolation forest", *IEEE TKDE* 33(4), 2021.

    Examples
    --------
    >>> from smelt.ensemble import IsolationForest
    >>> X = [[-1.1], [0.3], [0.5], [100]]
    >>> IsolationForest(random_state=0).fit(X).predict([[0.1], [0], [90]])
    array([ 1,  1, -1])
    """

    nodes_: Nodes
    _seeds: np.ndarray
    _level: int
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_IsolationForest._parameter_constraints,
        "extension_level": [Interval(Integral, 0, None, closed="left"), StrOptions({"full"})],
    }

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_samples: Any = "auto",
        contamination: Any = "auto",
        max_features: Any = 1.0,
        bootstrap: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        extension_level: Any = 0,
    ):
        super().__init__(
            n_estimators=n_estimators,
            max_samples=max_samples,
            contamination=contamination,
            max_features=max_features,
            bootstrap=bootstrap,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            warm_start=warm_start,
        )
        self.extension_level = extension_level

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Grow the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, used as float32; NaN is a missing value.  Sparse input stays
            sparse.
        y : Ignored
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative: how likely a row is drawn.

        Returns
        -------
        object
            The fitted estimator itself.
        """
        X = validate_data(
            self,
            in_parts(X, np.float32, "iubf"),
            accept_sparse=["csc"],
            dtype=np.float32,
            ensure_all_finite=self._finite(),
        )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        self._set_shares(X.shape, sample_weight)
        seeds = self._draw_seeds(X.shape[0])
        if len(seeds):
            nodes = self._grow(X, sample_weight, seeds)
            old = [self.nodes_] if self._goes_on() else []
            self.nodes_ = _join([*old, nodes])
            self._seeds = np.concatenate([self._seeds, seeds]) if old else seeds
        if self.contamination == "auto":
            self.offset_ = -0.5
        else:
            X = X.tocsr() if sp.issparse(X) else X
            self.offset_ = np.percentile(self._score_samples(X), 100.0 * self.contamination)
        return self

    def _finite(self) -> Any:
        return "allow-nan" if self.extension_level == 0 else True

    def _set_shares(self, shape: tuple[int, int], sample_weight: Any) -> None:
        """Resolve how many rows and columns a tree takes."""
        n_samples, n_features = shape
        max_samples: Any = self.max_samples
        if isinstance(max_samples, str):
            max_samples = min(256, n_samples)
        elif not isinstance(max_samples, Integral):
            max_samples = int(max_samples * n_samples)
            if max_samples == 0:
                raise ValueError(
                    f"max_samples={self.max_samples} of {n_samples} samples draws none; "
                    "pass a larger share or a number"
                )
        elif int(max_samples) > n_samples:
            warn(
                f"max_samples ({max_samples}) is greater than the total number of samples "
                f"({n_samples}). max_samples will be set to n_samples for estimation.",
                stacklevel=3,
            )
            max_samples = n_samples
        max_features: Any = self.max_features
        if not isinstance(max_features, Integral):
            max_features = max(1, int(max_features * n_features))
        if not 0 < max_features <= n_features:
            raise ValueError(
                f"max_features must be <= n_features and above 0, got {max_features} of "
                f"{n_features}"
            )
        self.max_samples_ = int(max_samples)
        self._n_samples, self._sample_weight = n_samples, sample_weight
        self._max_samples = int(_get_n_samples_bootstrap(n_samples, max_samples, sample_weight))
        self._max_features = int(max_features)
        level = self._max_features - 1 if self.extension_level == "full" else self.extension_level
        if level >= self._max_features:
            raise ValueError(
                f"extension_level must be below the columns of a tree, {self._max_features}, "
                f"got {level}"
            )
        if self._goes_on() and int(level) != self._level:
            raise ValueError("extension_level cannot change with warm_start")
        self._level = int(level)

    def _goes_on(self) -> bool:
        return bool(self.warm_start and "nodes_" in vars(self))

    def _draw_seeds(self, n_samples: int) -> np.ndarray:
        """Return the seeds of the trees still to be grown, as scikit-learn draws them."""
        random_state = check_random_state(self.random_state)
        if not isinstance(self.random_state, Integral):
            random_state.uniform(size=n_samples)  # scikit-learn's random targets
        n_grown = len(self._seeds) if self._goes_on() else 0
        n_more = self.n_estimators - n_grown
        if n_more < 0:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to "
                f"len(estimators_)={n_grown} when warm_start==True"
            )
        if n_more == 0:
            warn(
                "Warm-start fitting without increasing n_estimators does not fit new trees.",
                stacklevel=3,
            )
        if n_grown:
            random_state.randint(LARGEST_SEED, size=n_grown)
        return random_state.randint(LARGEST_SEED, size=n_more).astype(np.uint32)

    def _grow(self, X: Any, sample_weight: Any, seeds: np.ndarray) -> Nodes:
        weights = None if sample_weight is None else sample_weight / np.sum(sample_weight)
        settings: dict[str, Any] = {
            "random_states": seeds,
            "max_depth": int(np.ceil(np.log2(max(self.max_samples_, 2)))),
            "bag": {
                "max_samples": self._max_samples,
                "max_features": self._max_features,
                "bootstrap": self.bootstrap,
            },
        }
        name = "ensemble.isolation_forest_fit"
        if self._level:
            name += "_extended"
            settings["extension_level"] = self._level
        start = perf_counter()
        X = by_column(X) if sp.issparse(X) else rows(X)
        nodes = kernel(name, n_jobs=self.n_jobs)(X, weights, **settings)
        if self.verbose:
            print(f"{len(seeds)} trees grown in {perf_counter() - start:.1f} s")
        return nodes

    @property
    def estimator_(self) -> ExtraTreeRegressor:
        """The kind of tree."""
        check_is_fitted(self, "nodes_")
        return self._get_estimator()

    @property
    def estimators_(self) -> list[ExtraTreeRegressor]:
        """The trees, as fitted estimators that predict path lengths; made anew at each access."""
        check_is_fitted(self, "nodes_")
        if self._level:
            raise AttributeError("trees cut by hyperplanes are no trees of scikit-learn")
        return [self._tree(index) for index in range(len(self._seeds))]

    @property
    def estimators_features_(self) -> list[np.ndarray]:
        """Columns drawn for each tree."""
        check_is_fitted(self, "nodes_")
        return list(self.nodes_["tree_columns"])

    def __len__(self) -> int:
        return len(self._seeds)

    def __getitem__(self, index: int) -> ExtraTreeRegressor:
        return self._tree(range(len(self._seeds))[index])

    def __iter__(self) -> Any:
        return iter(self.estimators_)

    def _get_estimator(self) -> ExtraTreeRegressor:
        return ExtraTreeRegressor(max_features=1, splitter="random", random_state=self.random_state)

    def _tree(self, index: int) -> ExtraTreeRegressor:
        columns = self.nodes_["tree_columns"][index]
        nodes = cut(
            {
                **self.nodes_,
                "impurity": np.zeros(len(self.nodes_["feature"])),
                "weighted_n_node_samples": self.nodes_["n_node_samples"].astype(float),
                "value": self.nodes_["path_length"].reshape(-1, 1, 1),
            },
            index,
        )
        place = np.full(self.n_features_in_ + 2, -2, dtype=np.int32)  # of -2 too: a leaf stays -2
        place[columns] = np.arange(len(columns))
        tree = self._get_estimator()
        tree.random_state = int(np.random.RandomState(self._seeds[index]).randint(LARGEST_SEED))
        tree.max_depth = int(np.ceil(np.log2(max(self.max_samples_, 2))))
        tree.nodes_ = {**nodes, "feature": place[nodes["feature"]]}
        tree.n_features_in_, tree.n_outputs_, tree.max_features_ = len(columns), 1, 1
        return tree

    def score_samples(self, X: Any) -> Any:
        """Return how much as others are the rows of ``X`` are.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32; NaN is a missing value.

        Returns
        -------
        ndarray of shape (n_samples,)
            Scores of -1 to 0: the lower, the more abnormal.
        """
        check_is_fitted(self)
        options = {"accept_sparse": "csr", "ensure_all_finite": self._finite()}
        if type(X) is np.ndarray and len(X.shape) == 2 and len(X) <= FEW:
            X = validate_predict(self, X, **options)
        else:
            X = validate_data(self, X, dtype=np.float32, reset=False, **options)
        return self._score_samples(X)

    def _score_samples(self, X: Any) -> np.ndarray:
        nodes = self.nodes_
        whole = len(self._seeds) * average_path_length(self._max_samples)
        if self._level:
            names = ("offsets", "children_left", "children_right", "threshold")
            planes = (nodes["columns"].reshape(-1), nodes["normals"].reshape(-1))
            trees = (*(nodes[name] for name in names), *planes, nodes["path_length"])
            score = kernel("ensemble.isolation_forest_score_extended", n_jobs=self.n_jobs)
        else:
            trees = predicting({**nodes, "value": nodes["path_length"]})
            score = kernel("ensemble.isolation_forest_score", n_jobs=self.n_jobs)
        if not sp.issparse(X):
            return -score(rows(X), trees, whole)
        step = max(1, PART // max(1, X.shape[1]))
        parts = [X[start : start + step] for start in range(0, X.shape[0], step)]
        return -np.concatenate([score(rows(part), trees, whole) for part in parts])


def average_path_length(n: int) -> float:
    """Return the average depth of a row in a random binary search tree of ``n`` rows."""
    if n <= 2:
        return float(n == 2)
    return float(2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n)


def _join(parts: list[Nodes]) -> Nodes:
    """Return the arrays of forests behind each other."""
    if len(parts) == 1:
        return parts[0]
    special = ("offsets", "max_depth")
    joined = {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
        if name not in special
    }
    sizes = np.concatenate([np.diff(part["offsets"]) for part in parts])
    joined["offsets"] = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    joined["max_depth"] = max(part["max_depth"] for part in parts)
    return joined
