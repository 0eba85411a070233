//! Measures of how good an answer is.

mod contingency;
mod dispersion;
mod silhouette;

pub use contingency::{Contingency, contingency_counts, expected_mutual_information};
pub use dispersion::{Dispersion, cluster_dispersion};
pub use silhouette::silhouette_samples;
