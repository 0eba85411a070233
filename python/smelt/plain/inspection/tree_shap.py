"""SHAP values of trees, leaf by leaf.  Kernels: ``crates/smelt-tree/src/explain``."""

from math import factorial

import numpy as np

from smelt.plain.tree.predict import member


def tree_shap_values(X, trees):
    """Path-dependent values, (n_rows, n_features · n_outputs)."""
    values = np.zeros((len(X), trees["n_features"], trees["n_outputs"]))
    for path, value, outputs in leaves(X, trees):
        # 1. Points and weights of a quadrature that is exact for the products below.
        t, weight = quadrature(len(path))
        # 2. Owen's integral: the slope of one column times the factors of all others.
        for i, (known, unknown) in path.items():
            product = np.ones((len(X), len(t)))
            for j, (known_j, unknown_j) in path.items():
                if j != i:
                    product *= unknown_j * (1 - t) + known_j[:, None] * t
            values[:, i, outputs] += ((known - unknown) * (product @ weight))[:, None] * value
    return values.reshape(len(X), -1)


def tree_shap_interaction_values(X, trees):
    """Path-dependent interaction values, (n_rows, n_features² · n_outputs)."""
    n_features, n_outputs = trees["n_features"], trees["n_outputs"]
    pairs = np.zeros((len(X), n_features, n_features, n_outputs))
    for path, value, outputs in leaves(X, trees):
        t, weight = quadrature(len(path))
        for i, (known_i, unknown_i) in path.items():
            for j, (known_j, unknown_j) in path.items():
                if i == j:
                    continue
                # 1. The mixed slope of two columns times the factors of all others, half to each.
                product = np.ones((len(X), len(t)))
                for k, (known, unknown) in path.items():
                    if k not in (i, j):
                        product *= unknown * (1 - t) + known[:, None] * t
                slopes = (known_i - unknown_i) * (known_j - unknown_j)
                pairs[:, i, j, outputs] += (slopes * (product @ weight) / 2)[:, None] * value
    # 2. What is left of the values is the column's own.
    values = tree_shap_values(X, trees).reshape(len(X), n_features, n_outputs)
    columns = np.arange(n_features)
    pairs[:, columns, columns] = values - pairs.sum(axis=2)
    return pairs.reshape(len(X), -1)


def tree_shap_interventional_values(X, background, trees):
    """Values against the rows of ``background``, (n_rows, n_features · n_outputs)."""
    values = np.zeros((len(X), trees["n_features"], trees["n_outputs"]))
    both = np.concatenate([X, background])
    for path, value, outputs in leaves(both, trees):
        takes = np.stack([known for known, _ in path.values()], axis=1) == 1
        columns, rows, others = list(path), takes[: len(X)], takes[len(X) :]
        for other in others:
            # 1. Columns that the row alone takes, and that the background row alone takes.
            alone, lost = rows & ~other, ~rows & other
            reached = (rows | other).all(axis=1)
            a, c = alone.sum(axis=1), lost.sum(axis=1)
            # 2. The leaf counts for coalitions with all of the first and none of the second.
            gain = reached * np.array([weight(p - 1, q) for p, q in zip(a, c, strict=True)])
            loss = reached * np.array([weight(p, q - 1) for p, q in zip(a, c, strict=True)])
            moves = alone * gain[:, None] - lost * loss[:, None]
            for column, move in zip(columns, moves.T, strict=True):
                values[:, column, outputs] += move[:, None] * value / len(others)
    return values.reshape(len(X), -1)


def weight(p, q):
    """Share of the orders of p + q + 1 columns with p before and q behind a given one."""
    return factorial(p) * factorial(q) / factorial(p + q + 1) if p >= 0 and q >= 0 else 0.0


def quadrature(n_columns):
    """Gauss-Legendre points on (0, 1) for polynomials of degree ``n_columns - 1``."""
    points, weights = np.polynomial.legendre.leggauss(n_columns // 2 + 1)
    return (points + 1) / 2, weights / 2


def leaves(X, trees):
    """Yield, for every leaf below a split, its path, its value and the outputs it adds to.

    The path gives for every column on it whether each row takes all of its edges (0 or 1), and the
    share of the training rows that do, the product of the shares of the edges.
    """
    width = len(trees["value"]) // len(trees["left"])
    values = trees["value"].reshape(-1, width)
    for tree, root in enumerate(trees["offsets"][:-1]):
        outputs = slice(trees["first_output"][tree], trees["first_output"][tree] + width)
        waiting = [(root, {})]
        while waiting:
            node, path = waiting.pop()
            if trees["left"][node] < 0:
                if path:
                    yield path, values[node], outputs
                continue
            column = trees["feature"][node]
            left = goes_left(X[:, column].astype(np.float64), node, trees)
            known, unknown = path.get(column, (np.ones(len(X)), 1.0))
            children = root + trees["left"][node], root + trees["right"][node]
            for child, taken, share in zip(
                children, (left, ~left), shares(trees["cover"][list(children)]), strict=True
            ):
                waiting.append((child, {**path, column: (known * taken, unknown * share)}))


def shares(cover):
    """Shares of the training rows of two children."""
    return cover / cover.sum() if cover.sum() > 0 else np.array([0.5, 0.5])


def goes_left(x, node, trees):
    """Whether each value goes left at a node."""
    missing_left = trees["missing_left"][node] == 1
    if not len(trees["category_set"]) or trees["category_set"][node] < 0:
        return np.where(np.isnan(x), missing_left, x <= trees["threshold"][node])
    is_code = (x >= 0) & (x < 256) & (x % 1 == 0)
    code = np.where(is_code, x, 0).astype(np.uint32)
    sets = trees["left_categories"].reshape(-1, 8)[[trees["category_set"][node]] * len(x)]
    known = trees["known_categories"].reshape(-1, 8)[[trees["feature"][node]] * len(x)]
    return is_code & member(sets, code) | (missing_left & ~(is_code & member(known, code)))
