"""Decision trees that look for the best cut."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.tree import DecisionTreeClassifier as _Classifier
from sklearn.tree import DecisionTreeRegressor as _Regressor
from sklearn.utils._param_validation import StrOptions

from smelt.tree._base_tree import MAX_BINS, GrownClassifier, GrownTree


class DecisionTreeClassifier(GrownClassifier, _Classifier):
    r"""Decision tree for classification.

    A tree cuts the rows in two, again and again, each time by one question ``x[j] <= t``, so that
    the classes of a node become purer: with :math:`p_k` the share of class :math:`k` in a node and
    :math:`w` the weight of a child, the cut minimises :math:`w_l I_l + w_r I_r` for the impurity

    .. math:: I_{\text{gini}} = 1 - \sum_k p_k^2 \quad\text{or}\quad
       I_{\text{entropy}} = -\sum_k p_k \log_2 p_k .

    It stops at pure nodes and at the limits below.  A leaf answers with its class shares.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"}, default="gini"
        The impurity; "log_loss" is another name of "entropy".
    splitter : {"best", "random"}, default="best"
        The best threshold of each column looked at, or the best of one random threshold each.
    max_depth : int, default=None
        Most cuts from the root to a leaf (1 or more); None sets no limit.
    min_samples_split : int or float, default=2
        Fewest rows of a node that is cut: a number (2 or more) or a share of all rows.
    min_samples_leaf : int or float, default=1
        Fewest rows of a leaf: a number (1 or more) or a share of all rows.
    min_weight_fraction_leaf : float, default=0.0
        Least weight of a leaf, as a share of all weight (0 to 0.5).
    max_features : int, float or {"sqrt", "log2"}, default=None
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
        At most this many different values of a column (2 to 255), cut at quantiles: several times
        faster on long data.  None looks at every value.
    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, default=None
        Columns of categories, as a mask, places or names, or by the type of a frame's columns; an
        extra of smelt's, by keyword only.  A cut parts the categories of a node in two sets: in
        the order of a class's share, the best cut for two classes; of more, each class against the
        rest.
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
    smelt.ensemble.RandomForestClassifier : Many trees that vote.

    Notes
    -----
    ``X`` is used as float32, as by scikit-learn.  A node of n rows costs n steps for each column
    looked at; columns are sorted once for the whole tree.

    References
    ----------
    Breiman, Friedman, Olshen, Stone, *Classification and Regression Trees*, 1984.
    Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, section 9.2.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from smelt.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y).score(X, y) > 0.95
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
        splitter: str = "best",
        max_depth: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None,
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


class DecisionTreeRegressor(GrownTree, _Regressor):
    r"""Decision tree for regression.

    A tree cuts the rows in two, again and again, each time by one question ``x[j] <= t``, so that
    the targets of a node become more alike: the cut minimises :math:`w_l I_l + w_r I_r`, with
    :math:`w` the weight of a child and its impurity the mean of

    .. math:: (y - \bar y)^2, \quad |y - \operatorname{median} y| \quad\text{or}\quad
       y \log(y / \bar y) .

    A leaf answers with its mean, or its median for the absolute error.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson"}, default="squared_error"
        The impurity; "poisson" wants targets of 0 or more.
    splitter : {"best", "random"}, default="best"
        The best threshold of each column looked at, or the best of one random threshold each.
    max_depth : int, default=None
        Most cuts from the root to a leaf (1 or more); None sets no limit.
    min_samples_split : int or float, default=2
        Fewest rows of a node that is cut: a number (2 or more) or a share of all rows.
    min_samples_leaf : int or float, default=1
        Fewest rows of a leaf: a number (1 or more) or a share of all rows.
    min_weight_fraction_leaf : float, default=0.0
        Least weight of a leaf, as a share of all weight (0 to 0.5).
    max_features : int, float or {"sqrt", "log2"}, default=None
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
        At most this many different values of a column (2 to 255), cut at quantiles: several times
        faster on long data.  None looks at every value.
    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, default=None
        Columns of categories, as a mask, places or names, or by the type of a frame's columns; an
        extra of smelt's, by keyword only.  A cut parts the categories of a node in two sets: in
        the order of their mean targets, the best cut for squared and Poisson errors.
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
    smelt.ensemble.RandomForestRegressor : Many trees that answer by their mean.

    Notes
    -----
    ``X`` is used as float32, as by scikit-learn.  Cuts that differ by rounding alone may be decided
    otherwise than by scikit-learn, which adds the targets in another order.

    References
    ----------
    Breiman, Friedman, Olshen, Stone, *Classification and Regression Trees*, 1984.
    Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, section 9.2.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from smelt.tree import DecisionTreeRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, y).score(X, y) > 0.4
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
        splitter: str = "best",
        max_depth: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None,
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
