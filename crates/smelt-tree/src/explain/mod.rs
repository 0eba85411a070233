//! Explanations of tree models: which column moved a prediction, and by how much.
//!
//! All start from one view of the trees ([`TreesRef`]), so boosting and forests share every line.

mod interactions;
mod interventional;
mod partial_dependence;
mod path_dependent;
mod quadrature;
mod splits;
mod trees;

pub use interactions::tree_shap_interaction_values;
pub use interventional::tree_shap_interventional_values;
pub use partial_dependence::tree_partial_dependence;
pub use path_dependent::tree_shap_values;
pub use trees::TreesRef;
