"""Random projections: twin, scikit-learn, distances, sparse input, threads, bad input."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.random_projection
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist
from sklearn.exceptions import DataDimensionalityWarning

import smelt
from smelt.random_projection import (
    GaussianRandomProjection,
    SparseRandomProjection,
    johnson_lindenstrauss_min_dim,
)

BOTH = (GaussianRandomProjection, SparseRandomProjection)


def rows(n=90, d=400, dtype=np.float64, density=0.1):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < density)
    return X.astype(dtype)


def dense(X):
    return X.toarray() if sp.issparse(X) else X


@pytest.mark.parametrize("Model", BOTH)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", ["C", "F", "csr", "csc"])
def test_equals_twin_and_scikit_learn(Model, dtype, kind):
    X = rows(dtype=dtype)
    given = sp.csr_array(X).asformat(kind) if kind in ("csr", "csc") else np.asarray(X, order=kind)
    theirs = getattr(sklearn.random_projection, Model.__name__)(37, random_state=5).fit(given)
    ours = Model(37, random_state=5).fit(given)
    assert_array_equal(dense(ours.components_), dense(theirs.components_))
    assert ours.components_.dtype == dtype
    found, expected = ours.transform(given), theirs.transform(given)
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype == dtype
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    assert_allclose(dense(found), dense(expected), atol=tolerance)
    if sp.issparse(found):
        assert found.nnz == expected.nnz
    with smelt.config(engine="plain"):
        plain = ours.transform(given)
    assert type(plain) is type(found)
    assert_allclose(dense(plain), dense(found), atol=tolerance)


@pytest.mark.parametrize("density", ["auto", 0.05, 0.5, 1.0])
@pytest.mark.parametrize("dense_output", [False, True])
def test_density_and_dense_output(density, dense_output):
    X = sp.csr_array(rows())
    options = {"density": density, "dense_output": dense_output, "random_state": 1}
    ours = SparseRandomProjection(50, **options).fit(X)
    theirs = sklearn.random_projection.SparseRandomProjection(50, **options).fit(X)
    assert ours.density_ == theirs.density_
    assert type(ours.components_) is type(theirs.components_)
    assert_array_equal(dense(ours.components_), dense(theirs.components_))
    assert sp.issparse(ours.transform(X)) == sp.issparse(theirs.transform(X))
    assert_allclose(dense(ours.transform(X)), dense(theirs.transform(X)), atol=1e-12)


@pytest.mark.parametrize("Model", BOTH)
def test_distances_are_kept(Model):
    X = rows(60, 5000, density=1.0)
    model = Model(eps=0.5, random_state=0)
    Z = model.fit_transform(X)
    assert model.n_components_ == Z.shape[1] == johnson_lindenstrauss_min_dim(60, eps=0.5)
    ratio = (pdist(Z) / pdist(X)) ** 2
    assert 0.5 < ratio.min() < ratio.max() < 1.5


@pytest.mark.parametrize("Model", BOTH)
@pytest.mark.parametrize("computed", [False, True])
def test_the_way_back(Model, computed):
    X = rows()
    model = Model(37, compute_inverse_components=computed, random_state=0).fit(X)
    theirs = getattr(sklearn.random_projection, Model.__name__)(37, random_state=0).fit(X)
    assert hasattr(model, "inverse_components_") == computed
    Z = model.transform(X)
    back = model.inverse_transform(Z)
    assert_allclose(back, theirs.inverse_transform(Z), atol=1e-10)
    assert_allclose(model.transform(back), Z, atol=1e-10)


@pytest.mark.parametrize("Model", BOTH)
def test_frames_and_names(Model):
    X = rows(20, 30)
    model = Model(3, random_state=0).set_output(transform="pandas").fit(X)
    names = [f"{Model.__name__.lower()}{i}" for i in range(3)]
    assert list(model.transform(X).columns) == list(model.get_feature_names_out()) == names


@pytest.mark.parametrize("Model", BOTH)
@pytest.mark.parametrize("sparse", [False, True])
def test_threads_do_not_change_a_bit(Model, sparse):
    X = rows(3000, 300)
    X = sp.csr_array(X) if sparse else X
    found = []
    for threads in (1, 2, 7):
        with smelt.config(n_threads=threads):
            found.append(dense(Model(40, random_state=0).fit_transform(X)))
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


@pytest.mark.parametrize("Model", BOTH)
def test_bad_input(Model):
    X = rows()
    with pytest.raises(ValueError, match="which is larger than the original space with n_features"):
        Model().fit(X)
    with pytest.raises(ValueError, match="which is invalid"):
        Model(eps=0.5).fit(X[:1])
    with pytest.warns(DataDimensionalityWarning, match="higher than the number of features"):
        Model(401).fit(X)
    with pytest.raises(ValueError, match="contains NaN"):
        Model(4).fit(np.where(X > 1, np.nan, X))
    with pytest.raises(ValueError, match="expecting 400 features"):
        Model(4).fit(X).transform(X[:, :9])
    with pytest.raises(ValueError, match="'n_components' parameter"):
        Model(0).fit(X)


def test_other_names_are_scikit_learns():
    assert johnson_lindenstrauss_min_dim is sklearn.random_projection.johnson_lindenstrauss_min_dim
