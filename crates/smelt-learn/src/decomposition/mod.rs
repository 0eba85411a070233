//! Decompositions: a matrix as a product of few factors.

mod fast_ica;
mod incremental_pca;
mod krylov;
mod nmf;
mod nmf_multiplicative;
mod operator;
mod pca;
mod sparse_operator;
mod truncated_svd;

pub use fast_ica::{FastIcaAlgorithm, FastIcaFit, FastIcaFun, FastIcaParams, fast_ica_fit};
pub use incremental_pca::{IncrementalPcaFit, IncrementalPcaParams, incremental_pca_fit_batch};
pub use nmf::{NmfFit, NmfParams, NmfSolver, nmf_fit, nmf_fit_sparse};
pub use pca::{PcaFit, PcaMethod, PcaParams, pca_fit, pca_fit_sparse};
pub use truncated_svd::{
    TruncatedSvdFit, TruncatedSvdParams, truncated_svd_fit, truncated_svd_fit_sparse,
};

/// Nanoseconds a floating-point operation takes on one thread, for cost gates only.
const NS_PER_FLOP: f64 = 0.04;
