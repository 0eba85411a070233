"""Rows coded by the leaves that they reach in totally random trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.ensemble import RandomTreesEmbedding as _RandomTreesEmbedding
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import _align_api_if_sparse, check_random_state
from sklearn.utils.validation import _check_feature_names_in, _num_samples, check_is_fitted

from smelt._kernel import kernel
from smelt.ensemble._base_forest import GrownForest
from smelt.tree._base_tree import by_row
from smelt.tree._nodes import predicting
from smelt.tree.extra_tree import ExtraTreeRegressor


class RandomTreesEmbedding(GrownForest, _RandomTreesEmbedding):
    """Many new columns out of few: which leaves of totally random trees a row falls into.

    Every tree cuts at random thresholds of random columns, and its leaves are boxes that hold the
    data.  A row becomes a one for each box that it lies in, zeros elsewhere: rows that are close
    share many ones, so that a linear model of the code is a smooth one of the data.

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees (1 or more): of ones in a row of the code.
    max_depth : int, default=5
        Most cuts from the root to a leaf (1 or more); None sets no limit.
    min_samples_split : int or float, default=2
        Fewest rows of a node that is cut: a number (2 or more) or a share of all rows.
    min_samples_leaf : int or float, default=1
        Fewest rows of a leaf: a number (1 or more) or a share of all rows.
    min_weight_fraction_leaf : float, default=0.0
        Least weight of a leaf, as a share of all weight (0 to 0.5).
    max_leaf_nodes : int, default=None
        Most leaves of a tree (2 or more); the node with the highest gain is cut first.
    min_impurity_decrease : float, default=0.0
        Least gain of a cut on the random targets, weighted by the node's share of all weight.
    sparse_output : bool, default=True
        Whether the code is a sparse CSR matrix or a dense array.
    n_jobs : int, default=None
        Threads; None takes smelt's setting, which is all cores.
    random_state : int, RandomState instance or None, default=None
        Draws targets, columns and thresholds.  An integer gives scikit-learn's code of the same
        integer.
    verbose : int, default=0
        Above 0, ``fit`` prints how many trees it grew and how long that took.
    warm_start : bool, default=False
        Whether a further fit keeps the trees and adds those that ``n_estimators`` asks for.

    Attributes
    ----------
    estimator_ : ExtraTreeRegressor
        The kind of tree.
    estimators_ : list
        The trees, as fitted estimators of :mod:`smelt.tree`.
    feature_importances_ : ndarray of shape (n_features,)
        Share of the impurity that each column's cuts took away, the mean over the trees.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    n_outputs_ : int
        1: the random target.
    one_hot_encoder_ : OneHotEncoder
        scikit-learn's encoder from the numbers of leaves to the code; made anew at each access.
    nodes_ : dict of ndarray
        The nodes of all trees behind each other, in scikit-learn's arrays.
    seeds_ : ndarray of shape (n_estimators,)
        The trees' random states.

    Raises
    ------
    ValueError
        Where ``X`` holds infinity, or what no random cut can be drawn for.

    See Also
    --------
    smelt.ensemble.ExtraTreesRegressor : The same cuts, chosen for a target.
    smelt.ensemble.IsolationForest : The same trees, asked how deep a row lies.

    Notes
    -----
    ``X`` is used as float32, as by scikit-learn; sparse input is never made dense as a whole.  A
    code costs one step a row, tree and level, and 12 bytes a row and tree.

    References
    ----------
    Moosmann, Triggs, Jurie, "Fast discriminative visual codebooks using randomized clustering
    forests", *NIPS* 2006.
    Geurts, Ernst, Wehenkel, "Extremely randomized trees", *Machine Learning* 63(1), 2006.

    Examples
    --------
    >>> from smelt.ensemble import RandomTreesEmbedding
    >>> X = [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]
    >>> trees = RandomTreesEmbedding(n_estimators=5, max_depth=1, random_state=0).fit(X)
    >>> trees.transform(X).toarray()[0]
    array([0., 1., 1., 0., 1., 0., 0., 1., 1., 0.])
    """

    class_weight = None
    monotonic_cst = None
    ccp_alpha = 0.0
    _kernel = "random_trees_embedding_fit"

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        max_depth: int | None = 5,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        sparse_output: bool = True,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
    ):
        super().__init__(
            n_estimators=n_estimators,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            sparse_output=sparse_output,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            warm_start=warm_start,
        )
        self.estimator = ExtraTreeRegressor()

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Grow the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, used as float32; NaN is a missing value.  Sparse input stays sparse
            until its columns become codes: 1, 2 or 4 bytes a value.
        y : Ignored
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative; rows of weight zero take no part.

        Returns
        -------
        object
            The fitted estimator itself.
        """
        targets = check_random_state(self.random_state).uniform(size=_num_samples(X))
        super().fit(X, targets, sample_weight)
        self._n_features_out = int(np.count_nonzero(self.nodes_["children_left"] < 0))
        return self

    def _drawing(self) -> dict[str, Any]:
        return {}

    def _bins(self) -> dict[str, Any]:
        return {}

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Grow the trees, and return the code of the rows that they were grown on.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, used as float32; NaN is a missing value.
        y : Ignored
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative; rows of weight zero take no part.

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_leaves)
            The code, float64.
        """
        return self.fit(X, y, sample_weight).transform(X)

    def transform(self, X: Any) -> Any:
        """Return which leaves the rows of ``X`` reach: a one for each tree, zeros elsewhere.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32; NaN is a missing value.

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_leaves)
            The code, float64.
        """
        X = self._validate_X_predict(X)
        number = np.cumsum(self.nodes_["children_left"] < 0, dtype=np.int32) - np.int32(1)
        columns = kernel("ensemble.random_trees_embedding_transform", n_jobs=self.n_jobs)(
            by_row(X), predicting(self.nodes_), number
        )
        n_samples, n_trees = columns.shape
        index = columns.dtype if columns.size <= np.iinfo(columns.dtype).max else np.int64
        starts = np.arange(0, columns.size + 1, n_trees, dtype=index)
        code = sp.csr_array(
            (np.ones(columns.size), columns.reshape(-1).astype(index, copy=False), starts),
            shape=(n_samples, self._n_features_out),
        )
        return _align_api_if_sparse(code) if self.sparse_output else code.toarray()

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of the code.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Compared with the names seen in ``fit``, and not used.

        Returns
        -------
        ndarray of str objects
            ``randomtreesembedding_{tree}_{leaf}``, leaves counted from each tree's root.
        """
        check_is_fitted(self, "_n_features_out")
        _check_feature_names_in(self, input_features=input_features, generate_names=False)
        names = [
            f"randomtreesembedding_{tree}_{leaf}"
            for tree, leaves in enumerate(self._leaves())
            for leaf in leaves
        ]
        return np.asarray(names, dtype=object)

    def _leaves(self) -> list[np.ndarray]:
        """Return the leaves of every tree, counted from its root."""
        left, offsets = self.nodes_["children_left"], self.nodes_["offsets"]
        return [np.flatnonzero(part < 0) for part in np.split(left, offsets[1:-1])]

    @property
    def one_hot_encoder_(self) -> OneHotEncoder:
        """scikit-learn's encoder from the numbers of leaves to the code; made at each access."""
        check_is_fitted(self, "_n_features_out")
        leaves = self._leaves()
        table = np.stack([np.resize(part, max(map(len, leaves))) for part in leaves], axis=1)
        return OneHotEncoder(sparse_output=self.sparse_output).fit(table)
