//! Projections onto random directions.

#[allow(clippy::module_inception)] // the file is named after the algorithm, the room too
mod random_projection;

pub use random_projection::{
    SparseProduct, random_projection_transform, random_projection_transform_sparse,
    random_projection_transform_sparse_components, random_projection_transform_sparse_rows,
};
