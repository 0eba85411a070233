"""Decision trees that draw their thresholds."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.tree import ExtraTreeClassifier as _Classifier
from sklearn.tree import ExtraTreeRegressor as _Regressor
from sklearn.utils._param_validation import StrOptions

from smelt.tree._base_tree import MAX_BINS, GrownClassifier, GrownTree


class ExtraTreeClassifier(GrownClassifier, _Classifier):
    """Extremely randomised tree for classification.

    A decision tree that draws one random threshold for each column it looks at, between the
    column's smallest and largest value in the node, and takes the best of these.  Made for
    ensembles.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"}, default="gini"
        The impurity; "log_loss" is another name of "entropy".
    splitter : {"random", "best"}, default="random"
        The best of one random threshold for each column looked at, or the best threshold.
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
    random_state : int, RandomState instance or None, default=None
        Draws the order of the columns, which decides between cuts that are equally good, and random
        thresholds.  An integer gives scikit-learn's tree of the same integer, node for node.
    max_leaf_nodes : int, default=None
        Most leaves (2 or more); the node with the highest gain is cut first.
    min_impurity_decrease : float, default=0.0
        Least gain of a cut, weighted by the node's share of all weight.
    class_weight : dict, list of dict or "balanced", default=None
        Weights of the classes.
    ccp_alpha : float, default=0.0
        Branches that gain less than this a leaf are pruned (minimal cost-complexity).
    monotonic_cst : array-like of int of shape (n_features,), default=None
        1: the probability of the second class rises with the column, -1: it falls, 0: free.
    max_bins : int, default=None
        At most this many different values of a column (2 to 255), cut at quantiles: thresholds are
        drawn among the smallest values of the bins, then moved between two bins.  None looks at
        every value, and is the only choice beside columns of categories.
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
    classes_ : ndarray of shape (n_classes,), or a list of them
        The classes.
    n_classes_ : int, or ndarray of shape (n_outputs,)
        Their number.
    max_features_ : int
        Columns looked at for a cut.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    n_outputs_ : int
        Columns of ``y``.
    feature_importances_ : ndarray of shape (n_features,)
        Share of the impurity that each column's cuts took away.
    nodes_ : dict of ndarray
        The nodes, in scikit-learn's arrays: children, column, threshold, impurity, rows, value.
    tree_ : sklearn.tree._tree.Tree
        The same as scikit-learn's object, for its plots and exports.

    See Also
    --------
    smelt.ensemble.ExtraTreesClassifier : Many trees that vote.

    Notes
    -----
    ``X`` is used as float32, as by scikit-learn.  A node of n rows costs n steps for each column
    looked at; nothing is sorted.

    References
    ----------
    Geurts, Ernst, Wehenkel, "Extremely randomized trees", *Machine Learning* 63(1), 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from smelt.tree import ExtraTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> ExtraTreeClassifier(random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_Classifier._parameter_constraints,
        "criterion": [StrOptions({"gini", "entropy", "log_loss"})],
        "splitter": [StrOptions({"best", "random"})],
        "max_bins": MAX_BINS,
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    }

    def __init__(
        self,
        *,
        criterion: str = "gini",
        splitter: str = "random",
        max_depth: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = "sqrt",
        random_state: Any = None,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        class_weight: Any = None,
        ccp_alpha: float = 0.0,
        monotonic_cst: Any = None,
        max_bins: int | None = None,
        categorical_features: Any = None,
    ):
        super().__init__(
            criterion=criterion,
            splitter=splitter,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            random_state=random_state,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            class_weight=class_weight,
            ccp_alpha=ccp_alpha,
            monotonic_cst=monotonic_cst,
        )
        self.max_bins = max_bins
        self.categorical_features = categorical_features


class ExtraTreeRegressor(GrownTree, _Regressor):
    """Extremely randomised tree for regression.

    A decision tree that draws one random threshold for each column it looks at, between the
    column's smallest and largest value in the node, and takes the best of these.  Made for
    ensembles.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        The impurity; "poisson" wants targets of 0 or more.
    splitter : {"random", "best"}, default="random"
        The best of one random threshold for each column looked at, or the best threshold.
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
    random_state : int, RandomState instance or None, default=None
        Draws the order of the columns, which decides between cuts that are equally good, and random
        thresholds.
    max_leaf_nodes : int, default=None
        Most leaves (2 or more); the node with the highest gain is cut first.
    min_impurity_decrease : float, default=0.0
        Least gain of a cut, weighted by the node's share of all weight.
    ccp_alpha : float, default=0.0
        Branches that gain less than this a leaf are pruned (minimal cost-complexity).
    monotonic_cst : array-like of int of shape (n_features,), default=None
        1: the prediction rises with the column, -1: it falls, 0: free.
    max_bins : int, default=None
        At most this many different values of a column (2 to 255), cut at quantiles: thresholds are
        drawn among the smallest values of the bins, then moved between two bins.  None looks at
        every value, and is the only choice beside columns of categories.
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
    max_features_ : int
        Columns looked at for a cut.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.
    n_outputs_ : int
        Columns of ``y``.
    feature_importances_ : ndarray of shape (n_features,)
        Share of the impurity that each column's cuts took away.
    nodes_ : dict of ndarray
        The nodes, in scikit-learn's arrays: children, column, threshold, impurity, rows, value.
    tree_ : sklearn.tree._tree.Tree
        The same as scikit-learn's object, for its plots and exports.

    See Also
    --------
    smelt.ensemble.ExtraTreesRegressor : Many trees that answer by their mean.

    Notes
    -----
    ``X`` is used as float32, as by scikit-learn.  Cuts that differ by rounding alone may be decided
    otherwise than by scikit-learn, which adds the targets in another order.

    References
    ----------
    Geurts, Ernst, Wehenkel, "Extremely randomized trees", *Machine Learning* 63(1), 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.tree import ExtraTreeRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> ExtraTreeRegressor(random_state=0).fit(X, y).score(X, y) > 0.4
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_Regressor._parameter_constraints,
        "criterion": [StrOptions({"squared_error", "absolute_error", "poisson"})],
        "splitter": [StrOptions({"best", "random"})],
        "max_bins": MAX_BINS,
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    }

    def __init__(
        self,
        *,
        criterion: str = "squared_error",
        splitter: str = "random",
        max_depth: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = 1.0,
        random_state: Any = None,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        ccp_alpha: float = 0.0,
        monotonic_cst: Any = None,
        max_bins: int | None = None,
        categorical_features: Any = None,
    ):
        super().__init__(
            criterion=criterion,
            splitter=splitter,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            random_state=random_state,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            ccp_alpha=ccp_alpha,
            monotonic_cst=monotonic_cst,
        )
        self.max_bins = max_bins
        self.categorical_features = categorical_features
