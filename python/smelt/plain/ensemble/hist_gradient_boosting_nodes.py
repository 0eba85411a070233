"""What the grower works on: the training rows, cuts, nodes."""

from dataclasses import dataclass, field
from math import inf

import numpy as np


@dataclass
class Data:
    """The training rows as the grower sees them, and what it must respect."""

    bins: np.ndarray  # (n_features, n) uint8; the bin behind the last holds missing values
    n_bins: list  # for each feature, without the bin for missing values
    is_categorical: np.ndarray
    monotonic: np.ndarray
    interactions: list | None
    params: dict
    constant_hessian: bool
    one_output: bool  # whether the loss has one raw prediction a row, and is known
    of_tree: np.ndarray | None = None  # features drawn for the tree under way
    has_missing: np.ndarray = field(init=False)

    def __post_init__(self):
        self.has_missing = (self.bins == np.array(self.n_bins)[:, None]).any(axis=1)

    @property
    def is_plain(self):
        """Whether values are −G / (H + λ), but for monotonic constraints."""
        return self.params["l1_regularization"] == 0 and self.params["max_delta_step"] is None

    @property
    def gives_root_a_value(self):
        """Whether gains of the root count from its own value instead of 0."""
        symmetric = self.params["grow_policy"] == "symmetric"
        return symmetric or not self.is_plain or self.params["min_gain_to_split"] > 0

    def kept_groups(self, node, feature):
        """Interaction groups that the children of a node keep to."""
        if node.groups is None:
            return None
        return [k for k in node.groups if feature in self.interactions[k]]


@dataclass
class Split:
    """A cut: which bins go left, and the sums of the left child."""

    gain: float
    feature: int
    left_bins: np.ndarray  # one flag a bin, the one for missing values last
    missing_left: bool
    gradient: float
    hessian: float


@dataclass
class Node:
    """Rows, sums, value, the bounds that monotonic constraints set for its children."""

    rows: np.ndarray
    gradient: float
    hessian: float
    value: float = 0.0
    lower: float = -inf
    upper: float = inf
    depth: int = 0
    groups: list | None = None  # interaction groups that the branch has kept to
    histograms: list | None = None
    split: Split | None = None
    children: tuple | None = None
    linear: tuple | None = None  # of a leaf: start value, features, coefficients
    rank: tuple = ()

    def __lt__(self, other):  # for the heap: the policy's order
        return self.rank < other.rank
