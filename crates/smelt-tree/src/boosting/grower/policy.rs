//! Growth policies: which node is cut next.

use serde::Deserialize;

use super::Grower;

/// How a tree grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrowPolicy {
    /// The node of the highest gain first.
    #[default]
    LeafWise,
    /// Level by level, within a level the node of the highest gain first.
    DepthWise,
    /// One cut for all nodes of a level.
    Symmetric,
}

impl Grower<'_> {
    /// Whether node `a` is to be cut before node `b`.
    pub(super) fn is_before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.nodes[a], &self.nodes[b]);
        if self.limits.policy == GrowPolicy::DepthWise && a.depth != b.depth {
            return a.depth < b.depth;
        }
        let gain = |node: &super::GrowNode| node.split.map_or(-1.0, |split| split.gain);
        gain(a) > gain(b)
    }
}
