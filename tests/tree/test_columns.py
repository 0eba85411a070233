"""Columns of float32, as trees learn from them."""

import numpy as np
import pytest

from smelt._kernel import kernel
from smelt.plain.tree import tree_columns
from smelt.tree import DecisionTreeRegressor
from smelt.tree._base_tree import PART, turned


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(1, 1), (0, 3), (3, 0), (37, 5), (300, 70)])
def test_equals_the_twin(shape, order, dtype):
    X = np.asarray(np.random.default_rng(0).normal(size=shape) * 1e30, dtype=dtype, order=order)
    for rows in (X, X[::2], X[:, ::2]):
        columns = kernel("tree.tree_columns")(rows)
        assert columns.flags.f_contiguous and columns.dtype == np.float32
        np.testing.assert_array_equal(columns, tree_columns(rows))


def test_a_large_array_is_turned_before_it_is_checked():
    X = np.random.default_rng(0).normal(size=(PART // 16 + 1, 16))
    assert turned(X).dtype == np.float32
    assert turned(X[:9]).dtype == np.float64
    X[7, 3] = 1e300
    with pytest.raises(ValueError, match="too large for dtype\\('float32'\\)"):
        DecisionTreeRegressor().fit(X, X[:, 0])
    # Rows that run backwards are the same rows.
    y = X[:, 1]
    X[7, 3] = 0.0
    trees = [DecisionTreeRegressor(max_depth=3).fit(*pair) for pair in ((X, y), (X[::-1], y[::-1]))]
    assert trees[0].tree_.node_count == trees[1].tree_.node_count
