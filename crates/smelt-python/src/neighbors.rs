//! Nearest neighbours.

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_core::{Error, Mat, MatRef};
use smelt_learn::neighbors as kernels;
use std::borrow::Cow;

use crate::arrays::{
    Matrix, by_dtype, first_that_fits, maybe_slice, slice, to_array1, to_array2, view,
};
use crate::enter::{enter, to_python};
use crate::params::params;

/// A tree as the dict of arrays that `nearest_neighbors_fit` returned.
struct Tree<'py> {
    params: kernels::TreeParams,
    shape: (usize, usize),
    ids: PyReadonlyArray1<'py, u32>,
    points: PyReadonlyArray1<'py, f64>,
    bounds: PyReadonlyArray1<'py, f64>,
    least: PyReadonlyArray1<'py, u32>,
}

fn array<'py, T: numpy::Element>(
    tree: &Bound<'py, PyDict>,
    name: &str,
) -> PyResult<PyReadonlyArray1<'py, T>> {
    Ok(tree.as_any().get_item(name)?.extract()?)
}

impl<'py> Tree<'py> {
    fn read(tree: &Bound<'py, PyDict>) -> PyResult<Self> {
        let of_params = tree.as_any().get_item("params")?;
        Ok(Self {
            params: params(tree.py(), Some(of_params.cast::<PyDict>()?))?,
            shape: tree.as_any().get_item("shape")?.extract()?,
            ids: array(tree, "ids")?,
            points: array(tree, "points")?,
            bounds: array(tree, "bounds")?,
            least: array(tree, "least")?,
        })
    }

    fn view(&self, py: Python<'py>) -> PyResult<kernels::PackedTree<'_>> {
        kernels::PackedTree::from_arrays(
            self.params.clone(),
            self.shape,
            slice(&self.ids)?,
            slice(&self.points)?,
            slice(&self.bounds)?,
            slice(&self.least)?,
        )
        .map_err(|error| to_python(py, &error))
    }
}

#[pyfunction]
#[pyo3(signature = (X, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn nearest_neighbors_fit<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::TreeParams>(py, keywords)?;
    let X = view(&X)?;
    let tree = enter(py, n_threads, |control| kernels::nearest_neighbors_fit(X, &params, control))?;
    let out = PyDict::new(py);
    out.set_item("params", keywords)?;
    out.set_item("shape", (tree.n_samples, tree.n_features))?;
    out.set_item("ids", to_array1(py, tree.ids.into_owned()))?;
    out.set_item("points", to_array1(py, tree.points.into_owned()))?;
    out.set_item("bounds", to_array1(py, tree.bounds.into_owned()))?;
    out.set_item("least", to_array1(py, tree.least.into_owned()))?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (tree, X, k, own=false, n_threads=None))]
#[allow(non_snake_case)]
fn nearest_neighbors_query<'py>(
    py: Python<'py>,
    tree: &Bound<'py, PyDict>,
    X: PyReadonlyArray2<'py, f64>,
    k: usize,
    own: bool,
    n_threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let tree = Tree::read(tree)?;
    let tree = tree.view(py)?;
    let queries = queries(view(&X)?, own);
    let (distances, ids) =
        enter(py, n_threads, |control| kernels::tree_nearest(&tree, queries, k, control))?;
    rows_of(py, distances, ids, k)
}

#[pyfunction]
#[pyo3(signature = (rows, X, k, own=false, metric="euclidean", p=2.0, n_threads=None))]
#[allow(non_snake_case)]
fn nearest_neighbors_brute<'py>(
    py: Python<'py>,
    rows: PyReadonlyArray2<'py, f64>,
    X: PyReadonlyArray2<'py, f64>,
    k: usize,
    own: bool,
    metric: &str,
    p: f64,
    n_threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let (rows, queries) = (view(&rows)?, queries(view(&X)?, own));
    let (distances, ids) = enter(py, n_threads, |control| match kernels::Metric::named(metric)? {
        kernels::Metric::Euclidean => kernels::nearest_neighbors_brute(rows, queries, k, control),
        metric => kernels::nearest_neighbors_scan(rows, queries, k, metric, p, control),
    })?;
    rows_of(py, distances, ids, k)
}

fn queries(rows: MatRef<'_, f64>, own: bool) -> kernels::Queries<'_> {
    if own { kernels::Queries::Own(rows) } else { kernels::Queries::Rows(rows) }
}

/// Distances and rows as matrices of `k` columns.
fn rows_of(
    py: Python<'_>,
    distances: Vec<f64>,
    ids: Vec<i64>,
    k: usize,
) -> PyResult<(Bound<'_, PyAny>, Bound<'_, PyAny>)> {
    use numpy::{PyArray1, PyArrayMethods};
    let n = ids.len() / k.max(1);
    let distances = PyArray1::from_vec(py, distances).reshape([n, k])?;
    let ids = PyArray1::from_vec(py, ids).reshape([n, k])?;
    Ok((distances.into_any(), ids.into_any()))
}

/// One radius for all queries, or one each.
enum Radius<'py> {
    One(f64),
    Each(PyReadonlyArray1<'py, f64>),
}

first_that_fits!(
    Radius,
    "expected a number or an array of float64",
    Each(radii: PyReadonlyArray1<'py, f64>),
    One(radius: f64)
);

impl Radius<'_> {
    fn view(&self) -> PyResult<kernels::Radius<'_>> {
        Ok(match self {
            Self::One(radius) => kernels::Radius::One(*radius),
            Self::Each(radii) => kernels::Radius::Each(slice(radii)?),
        })
    }
}

#[pyfunction]
#[pyo3(signature = (tree, X, radius, own=false, n_threads=None))]
#[allow(non_snake_case)]
fn nearest_neighbors_count<'py>(
    py: Python<'py>,
    tree: &Bound<'py, PyDict>,
    X: PyReadonlyArray2<'py, f64>,
    radius: Radius<'py>,
    own: bool,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let tree = Tree::read(tree)?;
    let (tree, radius) = (tree.view(py)?, radius.view()?);
    let queries = queries(view(&X)?, own);
    let counts =
        enter(py, n_threads, |control| kernels::tree_count(&tree, queries, radius, control))?;
    Ok(to_array1(py, counts).into_any())
}

#[pyfunction]
#[pyo3(signature = (tree, X, radius, own=false, by_distance=false, room=None, n_threads=None))]
#[allow(non_snake_case)]
fn nearest_neighbors_within<'py>(
    py: Python<'py>,
    tree: &Bound<'py, PyDict>,
    X: PyReadonlyArray2<'py, f64>,
    radius: Radius<'py>,
    own: bool,
    by_distance: bool,
    room: Option<usize>,
    n_threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let tree = Tree::read(tree)?;
    let (tree, radius) = (tree.view(py)?, radius.view()?);
    let fits = |bytes| enough(bytes, room);
    let queries = queries(view(&X)?, own);
    let found = enter(py, n_threads, |control| {
        kernels::tree_within(&tree, queries, radius, by_distance, &fits, control)
    })?;
    Ok((
        to_array1(py, found.starts).into_any(),
        to_array1(py, found.ids).into_any(),
        to_array1(py, found.distances).into_any(),
    ))
}

/// Refuses what does not fit into memory.
fn enough(bytes: usize, room: Option<usize>) -> smelt_core::Result<()> {
    match room {
        Some(room) if bytes > room => Err(Error::data(format!(
            "the neighbours within this radius need {:.1} GB, {:.1} GB are free; ask for a smaller \
             radius, or for fewer queries at once",
            bytes as f64 / 1e9,
            room as f64 / 1e9
        ))),
        _ => Ok(()),
    }
}

/// Defines the two kernels that every kind of neighbours shares, under its name.
macro_rules! says {
    ($vote:ident, $mean:ident) => {
        #[pyfunction]
        #[pyo3(signature = (starts, ids, weights, codes, n_classes, n_threads=None))]
        fn $vote<'py>(
            py: Python<'py>,
            starts: PyReadonlyArray1<'py, i64>,
            ids: PyReadonlyArray1<'py, i64>,
            weights: Option<PyReadonlyArray1<'py, f64>>,
            codes: PyReadonlyArray1<'py, i32>,
            n_classes: usize,
            n_threads: Option<usize>,
        ) -> PyResult<Bound<'py, PyAny>> {
            let weights = maybe_slice(weights.as_ref())?;
            let near =
                kernels::Neighborhoods { starts: slice(&starts)?, ids: slice(&ids)?, weights };
            let codes = slice(&codes)?;
            let votes =
                enter(py, n_threads, |control| kernels::vote(near, codes, n_classes, control))?;
            let n_queries = near.starts.len() - 1;
            let votes = enter(py, n_threads, |_| Mat::from_vec(votes, n_queries, n_classes))?;
            Ok(to_array2(py, votes)?.into_any())
        }

        #[pyfunction]
        #[pyo3(signature = (starts, ids, weights, y, n_threads=None))]
        fn $mean<'py>(
            py: Python<'py>,
            starts: PyReadonlyArray1<'py, i64>,
            ids: PyReadonlyArray1<'py, i64>,
            weights: Option<PyReadonlyArray1<'py, f64>>,
            y: PyReadonlyArray2<'py, f64>,
            n_threads: Option<usize>,
        ) -> PyResult<Bound<'py, PyAny>> {
            let weights = maybe_slice(weights.as_ref())?;
            let near =
                kernels::Neighborhoods { starts: slice(&starts)?, ids: slice(&ids)?, weights };
            let y = view(&y)?;
            let means = enter(py, n_threads, |control| kernels::mean(near, y, control))?;
            let n_queries = near.starts.len() - 1;
            let means = enter(py, n_threads, |_| Mat::from_vec(means, n_queries, y.n_cols()))?;
            Ok(to_array2(py, means)?.into_any())
        }
    };
}

says!(k_neighbors_vote, k_neighbors_mean);
says!(radius_neighbors_vote, radius_neighbors_mean);

/// A graph as the dict of arrays that `hnsw_fit` returned.
struct Graph<'py> {
    params: kernels::HnswParams,
    shape: (usize, usize),
    entry: (u32, u32),
    scale: f64,
    centre: PyReadonlyArray1<'py, f64>,
    points: PyReadonlyArray1<'py, f32>,
    /// `starts`, `ids`, `links`, `upper_starts`, `upper`.
    lists: [PyReadonlyArray1<'py, u32>; 5],
}

impl<'py> Graph<'py> {
    fn read(graph: &Bound<'py, PyDict>) -> PyResult<Self> {
        let of_params = graph.as_any().get_item("params")?;
        Ok(Self {
            params: params(graph.py(), Some(of_params.cast::<PyDict>()?))?,
            shape: graph.as_any().get_item("shape")?.extract()?,
            entry: graph.as_any().get_item("entry")?.extract()?,
            scale: graph.as_any().get_item("scale")?.extract()?,
            centre: array(graph, "centre")?,
            points: array(graph, "points")?,
            lists: [
                array(graph, "starts")?,
                array(graph, "ids")?,
                array(graph, "links")?,
                array(graph, "upper_starts")?,
                array(graph, "upper")?,
            ],
        })
    }

    fn view(&self, py: Python<'py>) -> PyResult<kernels::Hnsw<'_>> {
        let [starts, ids, links, upper_starts, upper] = &self.lists;
        kernels::Hnsw {
            params: self.params.clone(),
            n_samples: self.shape.0,
            n_features: self.shape.1,
            entry: self.entry,
            scale: self.scale,
            centre: Cow::Borrowed(slice(&self.centre)?),
            points: Cow::Borrowed(slice(&self.points)?),
            starts: Cow::Borrowed(slice(starts)?),
            ids: Cow::Borrowed(slice(ids)?),
            links: Cow::Borrowed(slice(links)?),
            upper_starts: Cow::Borrowed(slice(upper_starts)?),
            upper: Cow::Borrowed(slice(upper)?),
        }
        .checked()
        .map_err(|error| to_python(py, &error))
    }
}

#[pyfunction]
#[pyo3(signature = (X, order, levels, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn hnsw_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    order: PyReadonlyArray1<'py, u32>,
    levels: PyReadonlyArray1<'py, u8>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::HnswParams>(py, keywords)?;
    let (order, levels) = (slice(&order)?, slice(&levels)?);
    let graph = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| kernels::hnsw_fit(X, order, levels, &params, control))?
    });
    let out = PyDict::new(py);
    out.set_item("params", keywords)?;
    out.set_item("shape", (graph.n_samples, graph.n_features))?;
    out.set_item("entry", graph.entry)?;
    out.set_item("scale", graph.scale)?;
    out.set_item("centre", to_array1(py, graph.centre.into_owned()))?;
    out.set_item("points", to_array1(py, graph.points.into_owned()))?;
    out.set_item("starts", to_array1(py, graph.starts.into_owned()))?;
    out.set_item("ids", to_array1(py, graph.ids.into_owned()))?;
    out.set_item("links", to_array1(py, graph.links.into_owned()))?;
    out.set_item("upper_starts", to_array1(py, graph.upper_starts.into_owned()))?;
    out.set_item("upper", to_array1(py, graph.upper.into_owned()))?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (graph, rows, X, k, ef, n_threads=None))]
#[allow(non_snake_case)]
fn hnsw_query<'py>(
    py: Python<'py>,
    graph: &Bound<'py, PyDict>,
    rows: Matrix<'py>,
    X: Option<PyReadonlyArray2<'py, f64>>,
    k: usize,
    ef: usize,
    n_threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let graph = Graph::read(graph)?;
    let graph = graph.view(py)?;
    let queries = X.as_ref().map(view).transpose()?;
    let (distances, ids) = by_dtype!(Matrix, &rows, |rows| {
        let rows = view(rows)?;
        enter(py, n_threads, |control| kernels::hnsw_query(&graph, rows, queries, k, ef, control))?
    });
    rows_of(py, distances, ids, k)
}

#[pyfunction]
#[pyo3(signature = (distances, ids, kth_distance, n_threads=None))]
fn local_outlier_factor_fit<'py>(
    py: Python<'py>,
    distances: PyReadonlyArray2<'py, f64>,
    ids: PyReadonlyArray2<'py, i64>,
    kth_distance: PyReadonlyArray1<'py, f64>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (distances, ids, kth) = (view(&distances)?, view(&ids)?, slice(&kth_distance)?);
    let density = enter(py, n_threads, |control| {
        kernels::local_outlier_factor_fit(distances, ids, kth, control)
    })?;
    Ok(to_array1(py, density).into_any())
}

#[pyfunction]
#[pyo3(signature = (density, ids, density_of_rows, n_threads=None))]
fn local_outlier_factor_score<'py>(
    py: Python<'py>,
    density: PyReadonlyArray1<'py, f64>,
    ids: PyReadonlyArray2<'py, i64>,
    density_of_rows: PyReadonlyArray1<'py, f64>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (density, ids, rows) = (slice(&density)?, view(&ids)?, slice(&density_of_rows)?);
    let factor = enter(py, n_threads, |control| {
        kernels::local_outlier_factor_score(density, ids, rows, control)
    })?;
    Ok(to_array1(py, factor).into_any())
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(hnsw_fit, module)?)?;
    module.add_function(wrap_pyfunction!(hnsw_query, module)?)?;
    module.add_function(wrap_pyfunction!(k_neighbors_mean, module)?)?;
    module.add_function(wrap_pyfunction!(k_neighbors_vote, module)?)?;
    module.add_function(wrap_pyfunction!(local_outlier_factor_fit, module)?)?;
    module.add_function(wrap_pyfunction!(local_outlier_factor_score, module)?)?;
    module.add_function(wrap_pyfunction!(nearest_neighbors_brute, module)?)?;
    module.add_function(wrap_pyfunction!(nearest_neighbors_count, module)?)?;
    module.add_function(wrap_pyfunction!(nearest_neighbors_fit, module)?)?;
    module.add_function(wrap_pyfunction!(nearest_neighbors_query, module)?)?;
    module.add_function(wrap_pyfunction!(nearest_neighbors_within, module)?)?;
    module.add_function(wrap_pyfunction!(radius_neighbors_mean, module)?)?;
    module.add_function(wrap_pyfunction!(radius_neighbors_vote, module)?)
}
