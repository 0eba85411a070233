//! Embeddings: pictures of high-dimensional data in two or three dimensions.

mod attraction;
mod descent;
mod fuzzy_graph;
mod neighbor_graph;
mod perplexity;
mod repulsion;
mod space_tree;
mod spectral;
mod trustworthiness;
mod tsne;
mod tsne_exact;
mod umap;
mod umap_moves;

pub use fuzzy_graph::{umap_graph, umap_memberships};
pub use neighbor_graph::NeighborGraph;
pub use perplexity::{tsne_affinities, tsne_affinities_exact};
pub use spectral::umap_spectral;
pub use trustworthiness::trustworthiness_penalty;
pub use tsne::{TsneFit, TsneParams, tsne_fit, tsne_gradient};
pub use tsne_exact::{tsne_fit_exact, tsne_gradient_exact};
pub use umap::{UmapParams, umap_fit};
