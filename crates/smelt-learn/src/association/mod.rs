//! Association: sets of items that occur together, and rules between them.

mod association_rules;
mod database;
mod eclat;
mod eclat_class;
mod select;

pub use association_rules::{
    AssociationRules, AssociationRulesParams, Metric, association_rules_fit,
};
pub use eclat::{EclatParams, Itemsets, Kind, eclat_fit};
