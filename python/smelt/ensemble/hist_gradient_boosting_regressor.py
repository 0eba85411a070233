"""Gradient boosting of regression trees on histograms."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import RegressorMixin
from sklearn.utils import assert_all_finite
from sklearn.utils._param_validation import Interval, StrOptions

from smelt.ensemble._base_boosting import BaseHistGradientBoosting, loss_parameters
from smelt.ensemble._cross_fitting import FOLDS_CONSTRAINT, CrossFitted


class HistGradientBoostingRegressor(RegressorMixin, CrossFitted, BaseHistGradientBoosting):
    r"""Gradient boosting of regression trees on histograms.

    .. math:: F(x) = b + \sum_{t=1}^{T} \eta \, f_t(x), \qquad
        \min_F \sum_i w_i \, \ell(y_i, F(x_i)).

    Every tree f_t is a Newton step on the loss: with g, h the gradients and curvatures of the rows
    of a leaf it takes :math:`-\sum g / (\sum h + \lambda)`, and is grown at the leaf that lowers
    the loss most.  Features are cut into at most 255 bins first.  Missing values (NaN) go to the
    side that lowers the loss more.  It ends after ``max_iter`` iterations, or when early stopping
    sees no progress.

    Parameters
    ----------
    loss : str or callable, default="squared_error"
        Loss ℓ: "squared_error", "absolute_error", "quantile", "huber", "gamma", "poisson",
        "tweedie" or "cross_entropy".  "gamma" (y > 0), "poisson" and "tweedie" (y ≥ 0)
        predict exp(F); "cross_entropy" takes probabilities y and predicts 1 / (1 + exp(-F)).  The
        last three and functions are smelt's own.  A function of (y, raw) returns gradient and
        curvature for the raw predictions, which then start from 0.
    quantile : float, array-like of float or None, default=None
        Level in (0, 1) of ``loss="quantile"``; for several levels (smelt's own) ``predict`` gives a
        column each, which may cross.
    learning_rate : float or "auto", default=0.1
        Factor η on every leaf, positive.  "auto" (smelt's own) is 0.05 up to 100,000 rows and then
        grows in proportion to the rows, up to 0.2: long data want more rounds than there are.
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
    delta : float, default=1.0
        Residual from which on ``loss="huber"`` is linear, positive.
    power : float, default=1.5
        Power of the mean that the variance grows with for ``loss="tweedie"``, in (1, 2).
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
    n_folds : int, "auto" or None, default=None
        Cross-fitting: grow one model on all folds but one for each of ``n_folds`` folds (at least
        2), stop each where the fold left out is no longer predicted better (after
        ``n_iter_no_change`` iterations without, which are dropped again), and average them.  1
        grows one model that is stopped so, with ``validation_fraction`` of the rows left out.
        "auto" is 5 up to 100,000 rows, else 1.  ``trees_`` holds all trees.
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
    evals_result_ : dict of dict of list
        With ``eval_set``: the values of each metric on each set after each iteration.
    best_iteration_ : int
        With ``eval_set``: the iteration at which the set and metric of ``stop_on`` were best.
    learning_rate_ : float
        The learning rate used.
    fold_iterations_ : list of int
        With ``n_folds``: iterations kept in the model of each fold.
    interrupted_ : bool
        Set, and True, where Ctrl-C ended the fit early and ``on_interrupt="keep"``.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where ``X`` had names that are all strings.

    Raises
    ------
    ValueError
        For parameters out of range, targets the loss has no meaning for, too many categories, or
        constraints that do not fit ``X``.

    See Also
    --------
    HistGradientBoostingClassifier : The same for classes.

    Notes
    -----
    An iteration costs O(n·p·log L) byte-sized histogram updates and O(L·p·256) cuts weighed, for n
    rows, p columns, L leaves.  Trees equal scikit-learn's to the last bit on the same seed, except
    that ``interaction_cst`` counts the columns of ``X`` also beside categorical features, that
    ``class_weight`` names the labels, that "auto" early stopping takes given validation rows into
    account as scikit-learn's documentation says, and that a column may be missing altogether.  Any
    number of threads gives the same bits.

    References
    ----------
    J. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of
    Statistics, 2001. G. Ke et al., "LightGBM: a highly efficient gradient boosting decision tree",
    NeurIPS 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.ensemble import HistGradientBoostingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> round(HistGradientBoostingRegressor().fit(X, y).score(X, y), 2)
    0.93
    """

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012
        **BaseHistGradientBoosting._parameter_constraints,
        **FOLDS_CONSTRAINT,
        "loss": [
            StrOptions(
                {
                    "squared_error",
                    "absolute_error",
                    "poisson",
                    "gamma",
                    "quantile",
                    "huber",
                    "tweedie",
                    "cross_entropy",
                }
            ),
            callable,
        ],
        "quantile": [Interval(Real, 0, 1, closed="both"), "array-like", None],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "power": [Interval(Real, 1, 2, closed="neither")],
    }

    def __init__(
        self,
        loss="squared_error",
        *,
        quantile=None,
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
        delta=1.0,
        power=1.5,
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
        n_folds=None,
        on_interrupt="raise",
    ):
        self.loss = loss
        self.quantile = quantile
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
        self.delta = delta
        self.power = power
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
        self.n_folds = n_folds
        self.on_interrupt = on_interrupt

    def _encode_y(self, y: Any) -> np.ndarray:
        self.n_trees_per_iteration_ = 1
        y = np.ascontiguousarray(y, dtype=np.float64)
        assert_all_finite(y, input_name="y")  # objects may have held None
        if self.loss == "quantile" and np.ndim(self.quantile) > 0:
            self.n_trees_per_iteration_ = len(self.quantile)
        if self.loss == "cross_entropy" and not ((y >= 0) & (y <= 1)).all():
            raise ValueError("loss='cross_entropy' requires y between 0 and 1.")
        if self.loss == "gamma" and not (y > 0).all():
            raise ValueError("loss='gamma' requires strictly positive y.")
        if self.loss in ("poisson", "tweedie") and not ((y >= 0).all() and y.sum() > 0):
            raise ValueError(f"loss='{self.loss}' requires non-negative y and sum(y) > 0.")
        return y

    _encode_y_val = _encode_y

    def _loss_parameters(self) -> dict[str, Any]:
        quantile = self.quantile
        if quantile is not None:
            several = np.ndim(quantile) > 0
            quantile = [float(q) for q in quantile] if several else float(quantile)
        return loss_parameters(
            self.loss, quantile=quantile, delta=float(self.delta), power=float(self.power)
        )

    def _link(self, raw: np.ndarray) -> np.ndarray:
        raw = raw.ravel() if raw.shape[1] == 1 else raw
        if self.loss == "cross_entropy":
            return expit(raw)
        return np.exp(raw) if self.loss in ("gamma", "poisson", "tweedie") else raw

    def _evaluated(self, raw: np.ndarray) -> np.ndarray:
        return self._link(np.ascontiguousarray(raw.T))

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predicted targets.
        """
        return self._link(self._raw_predict(X))

    def staged_predict(self, X):
        """Predict targets after each iteration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict for.

        Yields
        ------
        ndarray of shape (n_samples,)
            Predicted targets with the trees so far.
        """
        for raw in self._staged_raw_predict(X):
            yield self._link(raw)
