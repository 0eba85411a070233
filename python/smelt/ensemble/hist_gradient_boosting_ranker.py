"""Gradient boosting of trees that rank the rows of queries."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _num_samples, check_is_fitted

from smelt._validate import nothing_lost
from smelt.ensemble._base_boosting import BaseHistGradientBoosting, loss_parameters
from smelt.ensemble._batch_fit import fit_from_batches
from smelt.ensemble._boosting_metrics import EvaluationSet, ndcg_of

HIGHEST = 50


class HistGradientBoostingRanker(BaseHistGradientBoosting):
    r"""Gradient boosting of trees that rank the rows of each query.

    .. math:: F(x) = \sum_{t=1}^{T} \eta \, f_t(x), \qquad
        \max_F \frac{1}{|Q|} \sum_{q \in Q} \mathrm{NDCG@}k(y_q, F(x_q)).

    LambdaRank: for each two rows of a query with different relevance, one of them among the first
    k, the better one is moved up and the worse one down, the more the swap would change NDCG@k and
    the less their order is certain.  NDCG counts a relevance y as 2^y - 1, over log2(1 + place).
    It ends after ``max_iter`` iterations, or when early stopping sees no progress.

    Parameters
    ----------
    loss : {"lambdarank"} or callable, default="lambdarank"
        The gradients of LambdaRank, or a function of (y, raw) that returns gradient and curvature.
    truncation : int, default=30
        Places k that count, at least 1.
    learning_rate : float, default=0.1
        Factor η on every leaf, positive.
    max_iter : int, default=100
        Most iterations, at least 1.
    max_leaf_nodes : int or None, default=31
        Most leaves of a tree, at least 2; None sets no limit.
    max_depth : int or None, default=None
        Most edges between root and leaf, at least 1; None sets no limit.
    min_samples_leaf : int, default=20
        Fewest rows of a leaf, at least 1.
    l2_regularization : float, default=0.0
        λ, at least 0.
    max_features : float, default=1.0
        Share of the features drawn for each node, in (0, 1].
    max_bins : int, default=255
        Most bins of a feature, 2 to 255; missing values get one more.
    categorical_features : array-like of bool, int or str, "from_dtype" or None
        Which columns hold categories: a mask, indices, names, or (the default) the columns of a
        data frame with dtype Categorical or Enum.  At most ``max_bins`` categories a column.
        Values not seen in training go where missing values go.
    monotonic_cst : array-like of int or dict, default=None
        1, 0 or -1 for each feature (or by name): predictions rise, are free, or fall with it.
    interaction_cst : {"pairwise", "no_interactions"} or sequence of sets, default=None
        Sets of columns that may meet in one branch of a tree; columns not named form one more set.
    warm_start : bool, default=False
        Whether a further ``fit`` adds iterations to the trees at hand.
    early_stopping : "auto" or bool, default="auto"
        Whether to stop when the score no longer gets better.  "auto": for over 10,000 rows, or when
        validation rows are given to ``fit``.
    scoring : str, callable or None, default="loss"
        Score for early stopping: the loss, a scorer or its name, or None for ``score``.
    validation_fraction : float, int or None, default=0.1
        Share (or number) of rows held out for early stopping; None scores the training rows.
    n_iter_no_change : int, default=10
        Iterations without improvement before stopping, at least 1.
    tol : float, default=1e-7
        Smallest improvement of the score, at least 0.
    verbose : int, default=0
        1 prints a summary, 2 a line an iteration.
    random_state : int, RandomState or None, default=None
        Seed of the held-out rows, the rows that the bins are taken from (above 200,000), and the
        drawn features and rows.
    subsample : float, default=1.0
        Share of the rows drawn for each iteration, in (0, 1].  smelt's own, as all that follow.
    quantized_gradients : bool, default=False
        Whether histograms are made of gradients rounded at random to 11 bits: about twice as fast
        on long data, at the same accuracy but with trees that differ from scikit-learn's.  Without
        effect on symmetric trees.
    subsample_freq : int, default=1
        Rows are drawn anew after this many iterations, at least 1.
    colsample_bytree : float, default=1.0
        Share of the features drawn for each tree, in (0, 1]; ``max_features`` draws among them.
    l1_regularization : float, default=0.0
        α, at least 0: leaves take :math:`-T(\sum g) / (\sum h + \lambda)`, where T moves its
        argument towards 0 by α.
    min_gain_to_split : float, default=0.0
        A cut must lower twice the loss by more than this, at least 0.
    min_child_weight : float, default=1e-3
        Smallest sum of curvatures h in a leaf, at least 0.
    max_delta_step : float or None, default=None
        Largest absolute value of a leaf before the learning rate, positive; None sets no limit.
    splitter : {"best", "random"}, default="best"
        Whether all cuts of a feature are weighed, or a node draws one, as in extremely randomised
        trees.
    grow_policy : {"leaf-wise", "depth-wise", "symmetric"}, default="leaf-wise"
        Which node is cut next: that of the highest gain; the same level by level; or all nodes of
        a level by the one cut with the highest summed gain.  A symmetric tree has as many levels as
        ``max_depth`` and ``max_leaf_nodes`` both allow, at most 16; leaves with fewer than
        ``min_samples_leaf`` rows keep the value of the node above.  It takes no
        ``monotonic_cst``.
    leaf_iterations : int, default=1
        Newton steps for the value of each leaf, at least 1.  More take out of a tree what it holds,
        as CatBoost does; for losses of one raw prediction a row.
    data_sample_strategy : {"bagging", "goss"}, default="bagging"
        Rows of an iteration: ``subsample`` of them at random, or those of the largest gradients and
        a few of the others (after the first 1 / ``learning_rate`` iterations).
    top_rate, other_rate : float, default=0.2, 0.1
        Shares of the rows that "goss" keeps for their gradients, and draws from the others.
    drop_rate : float, default=0.0
        DART: probability that an earlier iteration is left out while a tree is grown.
    skip_drop : float, default=0.5
        Probability that an iteration leaves out none.
    max_drop : int, default=50
        Most iterations left out at once.
    linear_leaves : bool, default=False
        Whether each leaf holds a ridge on the numeric features that its branch was cut on; rows
        where one of them is missing get the leaf's constant.  Needs a loss with a curvature, and
        8 bytes a value of memory.
    linear_regularization : float, default=0.0
        Penalty of the coefficients of linear leaves, at least 0.
    high_cardinality : {"target", "ordered", "error"}, default="target"
        What becomes of categorical columns with more than ``max_bins`` categories.  "target": each
        category becomes a number, the mean target of its rows, drawn towards that of all rows
        where it has few; a row to learn from gets the mean over the other nine of ten folds, so
        that its own target is not in it.  "ordered": over the rows before it in four random
        orders.  "error": an error, as in scikit-learn.
    on_interrupt : {"raise", "keep"}, default="raise"
        What Ctrl-C does: raise KeyboardInterrupt, or keep the iterations done and warn.

    Attributes
    ----------
    do_early_stopping_ : bool
        Whether early stopping was on.
    n_iter_ : int
        Number of iterations.
    n_trees_per_iteration_ : int
        Trees grown in an iteration: 1, or the number of classes where these are over two.
    train_score_ : ndarray of shape (n_iter + 1,)
        Scores on the training rows (at most 10,000 of them unless ``scoring="loss"``), before the
        first iteration and after each; empty without early stopping.
    validation_score_ : ndarray of shape (n_iter + 1,)
        The same on the held-out rows.
    is_categorical_ : ndarray of shape (n_features,) or None
        Mask of the categorical columns.
    trees_ : dict of ndarray
        All trees as a struct of arrays: ``feature``, ``threshold``, ``left``, ``right`` (counted
        from the tree's root, 0 in leaves), ``value``, ``missing_left``, ``category_set``,
        ``count``, ``gain``, ``depth`` for each node, ``tree_offsets`` (n_trees + 1),
        ``left_categories`` (n_sets, 8), ``known_categories`` (n_features, 8), ``baseline``
        (n_trees_per_iteration,).
    learning_rate_ : float
        The learning rate used.
    evals_result_ : dict of dict of list
        With ``eval_set``: the values of each metric on each set after each iteration.
    best_iteration_ : int
        With ``eval_set``: the iteration at which the set and metric of ``stop_on`` were best.
    interrupted_ : bool
        Set, and True, where Ctrl-C ended the fit early and ``on_interrupt="keep"``.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where ``X`` had names that are all strings.

    Raises
    ------
    ValueError
        For parameters out of range, queries that do not add up to the rows, or relevances below 0
        or above 50.

    See Also
    --------
    HistGradientBoostingRegressor : The same for numbers.

    Notes
    -----
    An iteration costs what one of :class:`HistGradientBoostingRegressor` does, and min(k, m)·m
    exponentials for a query with m rows.  Gradients are LightGBM's, normalised, without its table
    of rounded exponentials.  The score of early stopping by the loss is NDCG@k - 1; a query without
    a relevant row counts as ranked well.  Any number of threads gives the same bits.

    References
    ----------
    C. Burges, "From RankNet to LambdaRank to LambdaMART: an overview", Microsoft Research, 2010.
    G. Ke et al., "LightGBM: a highly efficient gradient boosting decision tree", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.ensemble import HistGradientBoostingRanker
    >>> rng = np.random.default_rng(0)
    >>> X, qid = rng.normal(size=(400, 3)), np.repeat(np.arange(40), 10)
    >>> y = np.digitize(X[:, 0] + 0.3 * rng.normal(size=400), [-0.5, 0.5, 1.0])
    >>> model = HistGradientBoostingRanker(max_iter=20).fit(X, y, qid=qid)
    >>> bool(model.score(X, y, qid=qid) > 0.95)
    True
    """

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012
        **BaseHistGradientBoosting._parameter_constraints,
        "loss": [StrOptions({"lambdarank"}), callable],
        "truncation": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        loss="lambdarank",
        *,
        truncation=30,
        learning_rate=0.1,
        max_iter=100,
        max_leaf_nodes=31,
        max_depth=None,
        min_samples_leaf=20,
        l2_regularization=0.0,
        max_features=1.0,
        max_bins=255,
        categorical_features="from_dtype",
        monotonic_cst=None,
        interaction_cst=None,
        warm_start=False,
        early_stopping="auto",
        scoring="loss",
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-7,
        verbose=0,
        random_state=None,
        subsample=1.0,
        quantized_gradients=False,
        subsample_freq=1,
        colsample_bytree=1.0,
        l1_regularization=0.0,
        min_gain_to_split=0.0,
        min_child_weight=1e-3,
        max_delta_step=None,
        splitter="best",
        grow_policy="leaf-wise",
        leaf_iterations=1,
        data_sample_strategy="bagging",
        top_rate=0.2,
        other_rate=0.1,
        drop_rate=0.0,
        skip_drop=0.5,
        max_drop=50,
        linear_leaves=False,
        linear_regularization=0.0,
        high_cardinality="target",
        on_interrupt="raise",
    ):
        self.loss = loss
        self.truncation = truncation
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.subsample = subsample
        self.quantized_gradients = quantized_gradients
        self.subsample_freq = subsample_freq
        self.colsample_bytree = colsample_bytree
        self.l1_regularization = l1_regularization
        self.min_gain_to_split = min_gain_to_split
        self.min_child_weight = min_child_weight
        self.max_delta_step = max_delta_step
        self.splitter = splitter
        self.grow_policy = grow_policy
        self.leaf_iterations = leaf_iterations
        self.data_sample_strategy = data_sample_strategy
        self.top_rate = top_rate
        self.other_rate = other_rate
        self.drop_rate = drop_rate
        self.skip_drop = skip_drop
        self.max_drop = max_drop
        self.linear_leaves = linear_leaves
        self.linear_regularization = linear_regularization
        self.high_cardinality = high_cardinality
        self.on_interrupt = on_interrupt

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        group=None,
        qid=None,
        eval_set=None,
        eval_group=None,
        eval_qid=None,
        eval_names=None,
        eval_metric=None,
        stop_on=None,
        callbacks=None,
        init_model=None,
    ):
        """Fit the model.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows to learn from, query by query.  NaN is a missing value.
        y : array-like of shape (n_samples,)
            Relevance of each row, 0 to 50.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows.
        group : array-like of int, optional
            Number of rows of each query, in the order of the rows.
        qid : array-like of shape (n_samples,), optional
            The same as the query of each row; rows of a query lie together.  Without ``group`` and
            ``qid`` all rows are one query.
        eval_set, eval_names, eval_metric, stop_on, callbacks, init_model : optional
            As for :meth:`HistGradientBoostingRegressor.fit`.
        eval_group, eval_qid : list, optional
            ``group`` or ``qid`` of each set.

        Returns
        -------
        HistGradientBoostingRanker
            The estimator itself.
        """
        evaluation = (eval_set, eval_names, eval_metric, stop_on, callbacks)
        groups = query_starts(_num_samples(X), group, qid)
        of_sets = _queries_of_sets(eval_set, eval_group, eval_qid)
        none = (None, None, None)
        return self._fit(X, y, sample_weight, groups, none, evaluation, of_sets, init_model)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_batches(
        self,
        batches,
        target=None,
        *,
        sample_weight=None,
        qid=None,
        eval_set=None,
        eval_group=None,
        eval_qid=None,
        eval_names=None,
        eval_metric=None,
        stop_on=None,
        callbacks=None,
        init_model=None,
    ):
        """Fit the model to rows that need not fit into memory, batch by batch.

        Parameters
        ----------
        batches : path, list of paths, function, or iterable
            As for :meth:`HistGradientBoostingRegressor.fit_batches`; but a batch is (X, y, qid) or
            (X, y, qid, sample_weight), or a frame.  A query may go on in the next batch.
        target, sample_weight, qid : str, optional
            Columns of frames and files that hold the relevance, the weight and the query of a row.
        eval_set, eval_group, eval_qid, eval_names, eval_metric, stop_on, callbacks : optional
            As for :meth:`fit`; evaluation sets are in memory.
        init_model : estimator, optional
            As for :meth:`fit`.

        Returns
        -------
        HistGradientBoostingRanker
            The estimator itself.
        """
        evaluation = (eval_set, eval_names, eval_metric, stop_on, callbacks)
        of_sets = _queries_of_sets(eval_set, eval_group, eval_qid)
        names = (target, sample_weight, qid)
        return fit_from_batches(self, batches, names, evaluation, of_sets, init_model, query_starts)

    @property
    def _truncation(self) -> int:
        return int(self.truncation)

    def _encode_y(self, y: Any) -> np.ndarray:
        self.n_trees_per_iteration_ = 1
        y = np.ascontiguousarray(y, dtype=np.float64)
        if not ((y >= 0) & (y <= HIGHEST)).all():
            raise ValueError(f"the relevance y must lie between 0 and {HIGHEST}.")
        return y

    _encode_y_val = _encode_y

    def _loss_parameters(self) -> dict[str, Any]:
        return loss_parameters(self.loss, truncation=self._truncation)

    def _evaluated(self, raw: np.ndarray) -> np.ndarray:
        return raw[0]

    def _hold_out(self, X: Any, y: Any, weight: Any, groups: Any) -> tuple[Any, Any]:
        """Split off whole queries, the same ones at each warm start."""
        n_queries = len(groups) - 1
        share = self.validation_fraction
        n_held = int(share) if isinstance(share, Integral) else int(np.ceil(share * n_queries))
        if not 0 < n_held < n_queries:
            raise ValueError(
                f"cannot hold out {n_held} of {n_queries} queries for early stopping; give an "
                "eval_set, or early_stopping=False."
            )
        order = check_random_state(self._random_seed).permutation(n_queries)
        held = np.zeros(n_queries, dtype=bool)
        held[order[:n_held]] = True
        sizes = np.diff(groups)
        parts = []
        for chosen in (~held, held):
            rows = np.repeat(chosen, sizes)
            of_weight = None if weight is None else weight[rows]
            starts = np.cumsum([0, *sizes[chosen]], dtype=np.int64)
            parts.append((np.ascontiguousarray(X[rows]), y[rows], of_weight, starts))
        return parts[0], parts[1]

    def predict(self, X):
        """Predict what the rows of a query are to be sorted by, the highest first.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Returns
        -------
        ndarray of shape (n_samples,)
            Scores; only their order within a query means anything.
        """
        check_is_fitted(self)
        return self._raw_predict(X).ravel()

    def staged_predict(self, X):
        """Predict after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Yields
        ------
        ndarray of shape (n_samples,)
            Scores with the trees so far.
        """
        for raw in self._staged_raw_predict(X):
            yield raw.ravel()

    def score(self, X, y, sample_weight=None, *, group=None, qid=None):
        """Compute the mean NDCG at ``truncation`` of the queries.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, query by query.
        y : array-like of shape (n_samples,)
            Relevance of each row.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows.
        group, qid : array-like, optional
            Queries, as for :meth:`fit`.

        Returns
        -------
        float
            Mean NDCG, 0 to 1.
        """
        scores = self.predict(X)
        y = self._encode_y_val(column_or_1d(y))
        groups = query_starts(len(y), group, qid)
        rows = EvaluationSet("score", X, y, sample_weight, groups)
        return ndcg_of(rows, scores, self._truncation)


def _queries_of_sets(eval_set: Any, eval_group: Any, eval_qid: Any) -> Any:
    """Return where the queries of each evaluation set start."""
    if eval_set is None:
        return None
    sets = [eval_set] if isinstance(eval_set, tuple) else list(eval_set)
    of_sets = []
    for index, rows in enumerate(sets):
        given = []
        for name, values in (("eval_group", eval_group), ("eval_qid", eval_qid)):
            if values is not None and len(values) != len(sets):
                raise ValueError(f"{name} must have an entry for each set of eval_set.")
            given.append(None if values is None else values[index])
        of_sets.append(query_starts(_num_samples(rows[0]), *given))
    return of_sets


def query_starts(n: int, group: Any, qid: Any) -> np.ndarray:
    """Return where each query starts, and the last one ends, from sizes or from ids of the rows."""
    if group is not None and qid is not None:
        raise ValueError("give either group or qid, not both.")
    if group is not None:
        sizes = np.asarray(group)
        if sizes.ndim != 1 or sizes.dtype.kind not in "iu" or (sizes < 1).any():
            raise ValueError("group must hold the number of rows of each query, integers above 0.")
        if sizes.sum() != n:
            raise ValueError(f"the queries in group have {sizes.sum()} rows together, X has {n}.")
        return np.cumsum([0, *sizes], dtype=np.int64)
    if qid is None:
        return np.array([0, n], dtype=np.int64)
    qid = column_or_1d(np.asarray(qid))
    if len(qid) != n:
        raise ValueError(f"qid has {len(qid)} entries, X has {n} rows.")
    if (qid != qid).any():
        raise ValueError("qid contains NaN: every row must be of a query.")
    starts = np.concatenate([[0], np.flatnonzero(qid[1:] != qid[:-1]) + 1, [n]])
    if len(np.unique(qid)) != len(starts) - 1:
        raise ValueError("the rows of some queries do not lie together; sort the rows by qid.")
    return starts.astype(np.int64)
