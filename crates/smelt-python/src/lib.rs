//! The binding: arrays in, arrays out.  No algorithm lives here.
#![allow(unsafe_code, missing_docs)]

mod arrays;
mod association;
mod boosting;
mod cluster;
mod decomposition;
mod ensemble;
mod enter;
mod forest;
mod ground;
mod inspection;
mod isolation_forest;
mod large_pages;
mod linalg;
mod linear_model;
mod manifold;
mod members;
mod metrics;
mod mixture;
mod model;
mod naive_bayes;
mod neighbors;
mod params;
mod quantile_forest;
mod random_projection;
mod random_trees_embedding;
mod table;
mod tree;

use pyo3::prelude::*;

/// Rust kernels of smelt.  Users never import it; `smelt._kernel.kernel` looks names up here.
#[pymodule(gil_used = false)]
fn _smelt(module: &Bound<'_, PyModule>) -> PyResult<()> {
    arrays::load_numpy(module.py())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    family(module, "association", association::register)?;
    family(module, "cluster", cluster::register)?;
    family(module, "decomposition", decomposition::register)?;
    family(module, "ensemble", |module| {
        boosting::register(module)?;
        ensemble::register(module)?;
        forest::register(module)?;
        isolation_forest::register(module)?;
        members::register(module)?;
        quantile_forest::register(module)?;
        random_trees_embedding::register(module)
    })?;
    family(module, "ground", ground::register)?;
    family(module, "inspection", inspection::register)?;
    family(module, "linalg", linalg::register)?;
    family(module, "table", table::register)?;
    family(module, "linear_model", linear_model::register)?;
    family(module, "manifold", manifold::register)?;
    family(module, "metrics", metrics::register)?;
    family(module, "mixture", mixture::register)?;
    family(module, "model", model::register)?;
    family(module, "naive_bayes", naive_bayes::register)?;
    family(module, "neighbors", neighbors::register)?;
    family(module, "random_projection", random_projection::register)?;
    family(module, "tree", tree::register)?;
    Ok(())
}

/// Adds a sub-module, one for each family of kernels.
fn family(
    parent: &Bound<'_, PyModule>,
    name: &str,
    register: impl FnOnce(&Bound<'_, PyModule>) -> PyResult<()>,
) -> PyResult<()> {
    let module = PyModule::new(parent.py(), name)?;
    register(&module)?;
    parent.add_submodule(&module)
}
