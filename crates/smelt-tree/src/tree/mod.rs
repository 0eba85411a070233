//! Decision trees and forests: columns, criterion, cut, grower.

pub(crate) mod category_cut;
mod class_histogram;
pub mod columns;
mod criterion;
mod criterion_absolute;
mod criterion_classes;
mod criterion_values;
mod cut;
pub mod decision_tree;
mod dense;
pub(crate) mod draw;
pub mod extra_tree;
mod few_rows;
pub mod forest;
mod grow;
mod limits;
pub mod nodes;
pub mod predict;
pub mod quantile_forest;
pub(crate) mod random;
mod random_cut;
pub mod random_trees_embedding;
mod sort;
pub mod sparse;
mod subtree;
pub mod tree_columns;
