"""Forests of extremely randomised trees."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.ensemble import ExtraTreesClassifier as _Classifier
from sklearn.ensemble import ExtraTreesRegressor as _Regressor
from sklearn.utils._param_validation import StrOptions

from smelt.ensemble._base_forest import GrownForestClassifier, GrownForestRegressor
from smelt.tree._base_tree import MAX_BINS
from smelt.tree.extra_tree import ExtraTreeClassifier, ExtraTreeRegressor


class ExtraTreesClassifier(GrownForestClassifier, _Classifier):
    """Extremely randomised trees for classification: many trees that draw their thresholds.

    As a random forest, but every tree takes all rows, and each cut is the best of one random
    threshold for every column it looks at: trees that resemble each other less, and grow faster
    than exact ones.

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees (1 or more).
    criterion : {"gini", "entropy", "log_loss"}, default="gini"
        The impurity of the trees; "log_loss" is another name of "entropy".
    max_depth : int, default=None
        Most cuts from the root to a leaf (1 or more); None sets no limit.
    min_samples_split : int or float, default=2
        Fewest rows of a node that is cut: a number (2 or more) or a share of all rows.
    min_samples_leaf : int or float, default=1
        Fewest rows of a leaf: a number (1 or more) or a share of all rows.
    min_weight_fraction_leaf : float, default=0.0
        Least weight of a leaf, as a share of all weight (0 to 0.5).
    max_features : int, float, {"sqrt", "log2"} or None, default="sqrt"
        Columns looked at for a cut: a number, a share, a root, a logarithm, or all.
    max_leaf_nodes : int, default=None
        Most leaves of a tree (2 or more); the node with the highest gain is cut first.
    min_impurity_decrease : float, default=0.0
        Least gain of a cut, weighted by the node's share of all weight.
    bootstrap : bool, default=False
        Whether each tree takes rows drawn with replacement, or all rows.
    oob_score : bool or callable, default=False
        Whether to score each row by the trees that it was not drawn for; a callable is the score,
        ``score(y_true, y_pred)``.
    n_jobs : int, default=None
        Threads; None takes smelt's setting, which is all cores.
    random_state : int, RandomState instance or None, default=None
        Draws rows, columns and thresholds.  An integer gives scikit-learn's trees of the same
        integer, unless there are bins.
    verbose : int, default=0
        Above 0, ``fit`` prints how many trees it grew and how long that took.
    warm_start : bool, default=False
        Whether a further fit keeps the trees and adds those that ``n_estimators`` asks for.
    class_weight : {"balanced", "balanced_subsample"}, dict or list of dict, default=None
        Weights of the classes; "balanced_subsample" takes them from the rows of each tree.
    ccp_alpha : float, default=0.0
        Branches that gain less than this a leaf are pruned (minimal cost-complexity).
    max_samples : int or float, default=None
        Rows drawn for each tree: a number, or a share; None draws as many as there are.
    monotonic_cst : array-like of int of shape (n_features,), default=None
        1: the probability of the second class rises with the column, -1: it falls, 0: free.
    max_bins : int, default=None
        At most this many different values of a column (2 to 255), cut at quantiles once for all
        trees, which is faster on long data: thresholds are drawn among the smallest values of the
        bins, then moved between two bins.  None looks at every value, and is the only choice
        beside columns of categories.  An extra of smelt's, by keyword only.
    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, default=None
        Columns of categories, as a mask, places or names, or by the type of a frame's columns; an
        extra of smelt's, by keyword only.  A cut parts the categories of a node in two sets: a
        random one and the rest.
        At most 255 categories a column, whatever ``max_bins``.  Missing values take a side of
        their own; categories not seen in ``fit`` go where they go, and those that no row of a node
        has to its larger child.  Such trees have no ``tree_`` (scikit-learn's ``Tree`` cannot hold
        sets); dense ``X`` only.

    Attributes
    ----------
    estimators_ : list
        The trees, as fitted estimators of :mod:`smelt.tree`.
    classes_ : ndarray of shape (n_classes,), or a list of them
        The classes.
    n_classes_ : int, or ndarray of shape (n_outputs,)
        Their number.
    oob_decision_function_ : ndarray of shape (n_samples, n_classes)
        Mean probabilities of the trees that a row was not drawn for, with ``oob_score``.
    oob_score_ : float
        Score of the out-of-bag answers, with ``oob_score``.
    feature_importances_ : ndarray of shape (n_features,)
        Share of the impurity that each column's cuts took away, the mean over the trees.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    n_outputs_ : int
        Columns of ``y``.
    nodes_ : dict of ndarray
        The nodes of all trees behind each other, in scikit-learn's arrays.
    seeds_ : ndarray of shape (n_estimators,)
        The trees' random states.

    See Also
    --------
    smelt.ensemble.RandomForestClassifier : Trees on drawn rows with the best thresholds.
    smelt.ensemble.HistGradientBoostingClassifier : Trees that learn from each other's errors.

    Notes
    -----
    ``X`` is used as float32, as by scikit-learn.  Trees grow side by side, one thread each; columns
    are prepared once for all of them.

    References
    ----------
    Geurts, Ernst, Wehenkel, "Extremely randomized trees", *Machine Learning* 63(1), 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from smelt.ensemble import ExtraTreesClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> ExtraTreesClassifier(n_estimators=20, random_state=0).fit(X, y).score(X, y) > 0.8
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_Classifier._parameter_constraints,
        "criterion": [StrOptions({"gini", "entropy", "log_loss"})],
        "max_bins": MAX_BINS,
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    }
    _kernel = "extra_trees_fit"

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        criterion: str = "gini",
        max_depth: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = "sqrt",
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        bootstrap: bool = False,
        oob_score: Any = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        class_weight: Any = None,
        ccp_alpha: float = 0.0,
        max_samples: Any = None,
        monotonic_cst: Any = None,
        max_bins: int | None = None,
        categorical_features: Any = None,
    ):
        super().__init__(
            n_estimators=n_estimators,
            criterion=criterion,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            bootstrap=bootstrap,
            oob_score=oob_score,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            warm_start=warm_start,
            class_weight=class_weight,
            ccp_alpha=ccp_alpha,
            max_samples=max_samples,
            monotonic_cst=monotonic_cst,
        )
        self.estimator = ExtraTreeClassifier()
        self.max_bins = max_bins
        self.categorical_features = categorical_features


class ExtraTreesRegressor(GrownForestRegressor, _Regressor):
    """Extremely randomised trees for regression: many trees that draw their thresholds.

    As a random forest, but every tree takes all rows, and each cut is the best of one random
    threshold for every column it looks at: trees that resemble each other less, and grow faster
    than exact ones.

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees (1 or more).
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        The impurity of the trees; "poisson" wants targets of 0 or more.
    max_depth : int, default=None
        Most cuts from the root to a leaf (1 or more); None sets no limit.
    min_samples_split : int or float, default=2
        Fewest rows of a node that is cut: a number (2 or more) or a share of all rows.
    min_samples_leaf : int or float, default=1
        Fewest rows of a leaf: a number (1 or more) or a share of all rows.
    min_weight_fraction_leaf : float, default=0.0
        Least weight of a leaf, as a share of all weight (0 to 0.5).
    max_features : int, float, {"sqrt", "log2"} or None, default=1.0
        Columns looked at for a cut: a number, a share, a root, a logarithm, or all.
    max_leaf_nodes : int, default=None
        Most leaves of a tree (2 or more); the node with the highest gain is cut first.
    min_impurity_decrease : float, default=0.0
        Least gain of a cut, weighted by the node's share of all weight.
    bootstrap : bool, default=False
        Whether each tree takes rows drawn with replacement, or all rows.
    oob_score : bool or callable, default=False
        Whether to score each row by the trees that it was not drawn for; a callable is the score,
        ``score(y_true, y_pred)``.
    n_jobs : int, default=None
        Threads; None takes smelt's setting, which is all cores.
    random_state : int, RandomState instance or None, default=None
        Draws rows, columns and thresholds.  An integer gives scikit-learn's trees of the same
        integer, unless there are bins.
    verbose : int, default=0
        Above 0, ``fit`` prints how many trees it grew and how long that took.
    warm_start : bool, default=False
        Whether a further fit keeps the trees and adds those that ``n_estimators`` asks for.
    ccp_alpha : float, default=0.0
        Branches that gain less than this a leaf are pruned (minimal cost-complexity).
    max_samples : int or float, default=None
        Rows drawn for each tree: a number, or a share; None draws as many as there are.
    monotonic_cst : array-like of int of shape (n_features,), default=None
        1: the prediction rises with the column, -1: it falls, 0: free.
    keep_leaf_values : bool, default=False
        Whether to keep which training rows lie in the leaves, so that :meth:`predict_quantiles`
        works: 4 bytes a row and tree; after a warm start those of the last data, for all
        trees.  An extra of smelt's.
    max_bins : int, default=None
        At most this many different values of a column (2 to 255), cut at quantiles once for all
        trees, which is faster on long data: thresholds are drawn among the smallest values of the
        bins, then moved between two bins.  None looks at every value, and is the only choice
        beside columns of categories.  An extra of smelt's, by keyword only.
    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, default=None
        Columns of categories, as a mask, places or names, or by the type of a frame's columns; an
        extra of smelt's, by keyword only.  A cut parts the categories of a node in two sets: a
        random one and the rest.
        At most 255 categories a column, whatever ``max_bins``.  Missing values take a side of
        their own; categories not seen in ``fit`` go where they go, and those that no row of a node
        has to its larger child.  Such trees have no ``tree_`` (scikit-learn's ``Tree`` cannot hold
        sets); dense ``X`` only.

    Attributes
    ----------
    estimators_ : list
        The trees, as fitted estimators of :mod:`smelt.tree`.
    oob_prediction_ : ndarray of shape (n_samples,)
        Mean prediction of the trees that a row was not drawn for, with ``oob_score``.
    oob_score_ : float
        Score of the out-of-bag answers, with ``oob_score``.
    feature_importances_ : ndarray of shape (n_features,)
        Share of the impurity that each column's cuts took away, the mean over the trees.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    n_outputs_ : int
        Columns of ``y``.
    nodes_ : dict of ndarray
        The nodes of all trees behind each other, in scikit-learn's arrays.
    seeds_ : ndarray of shape (n_estimators,)
        The trees' random states.
    leaf_values_ : dict of ndarray
        The training rows in every leaf, and the targets, with ``keep_leaf_values``.

    See Also
    --------
    smelt.ensemble.RandomForestRegressor : Trees on drawn rows with the best thresholds.
    smelt.ensemble.HistGradientBoostingRegressor : Trees that learn from each other's errors.

    Notes
    -----
    ``X`` is used as float32, as by scikit-learn.  Trees grow side by side, one thread each; columns
    are prepared once for all of them.

    References
    ----------
    Geurts, Ernst, Wehenkel, "Extremely randomized trees", *Machine Learning* 63(1), 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.ensemble import ExtraTreesRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> ExtraTreesRegressor(n_estimators=20, random_state=0).fit(X, y).score(X, y) > 0.8
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_Regressor._parameter_constraints,
        "criterion": [StrOptions({"squared_error", "absolute_error", "poisson"})],
        "keep_leaf_values": ["boolean"],
        "max_bins": MAX_BINS,
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    }
    _kernel = "extra_trees_fit"

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        criterion: str = "squared_error",
        max_depth: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = 1.0,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        bootstrap: bool = False,
        oob_score: Any = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        ccp_alpha: float = 0.0,
        max_samples: Any = None,
        monotonic_cst: Any = None,
        keep_leaf_values: bool = False,
        max_bins: int | None = None,
        categorical_features: Any = None,
    ):
        super().__init__(
            n_estimators=n_estimators,
            criterion=criterion,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            bootstrap=bootstrap,
            oob_score=oob_score,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            warm_start=warm_start,
            ccp_alpha=ccp_alpha,
            max_samples=max_samples,
            monotonic_cst=monotonic_cst,
        )
        self.estimator = ExtraTreeRegressor()
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.keep_leaf_values = keep_leaf_values
