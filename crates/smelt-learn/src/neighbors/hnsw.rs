//! A graph in which near rows are linked, on levels of which each holds a few of those below: HNSW.
//!
//! 1. `hnsw_points`: rows as float32, rows that are equal as one node.
//! 2. `hnsw_beam`: the nearest nodes of a level, found by walking along links.
//! 3. `hnsw_build`: nodes are linked to the nearest of those before them, batch by batch.
//! 4. `hnsw_query`: the k nearest rows, with exact distances.
//!
//! Cost: about `ef_construction · M` distances a row to build and `ef · M` a query to ask, most of
//! them cache misses of `4 d` bytes.  Memory: `4 d + 8 M` bytes a row, as much as `8 M` more while it
//! is built.  Twin: `smelt.plain.neighbors.hnsw`.

use std::borrow::Cow;

use serde::Deserialize;
use smelt_core::{Error, Result};

/// Marks the end of a list that is not full.
pub(crate) const NONE: u32 = u32::MAX;
/// Numbers of a row are padded to whole vectors of so many.
pub(crate) const LANES: usize = 8;

/// Distances that HNSW searches by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HnswMetric {
    /// Root of the sum of squares.
    Euclidean,
    /// Sum of squares.
    Sqeuclidean,
    /// 1 − x·y / (|x| |y|).
    Cosine,
}

/// Parameters of [`super::hnsw_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(non_snake_case)]
pub struct HnswParams {
    /// Distance.
    pub metric: HnswMetric,
    /// Links that a node makes on each level; a list holds as many, twice as many on the lowest.
    pub M: usize,
    /// Nodes that are kept in view while links are looked for.
    pub ef_construction: usize,
}

impl HnswParams {
    /// Checks the ranges.
    pub fn check(&self) -> Result<()> {
        if self.M < 2 || self.M > 1 << 16 {
            let message = format!("must be an int in the range [2, 65536], got {}", self.M);
            return Err(Error::parameter("M", message));
        }
        if self.ef_construction == 0 {
            return Err(Error::parameter("ef_construction", "must be at least 1, got 0"));
        }
        Ok(())
    }
}

/// The graph over the rows of a matrix, in its own arrays or in somebody else's.
#[derive(Debug, Clone)]
pub struct Hnsw<'a> {
    /// Distance and sizes.
    pub params: HnswParams,
    /// Rows of the matrix.
    pub n_samples: usize,
    /// Columns of the matrix.
    pub n_features: usize,
    /// Node at which searches begin, and its level.
    pub entry: (u32, u32),
    /// What float32 values are relative to, and their scale.
    pub centre: Cow<'a, [f64]>,
    /// A power of two.
    pub scale: f64,
    /// Values of the nodes, padded with zeros to whole vectors.
    pub points: Cow<'a, [f32]>,
    /// Where the rows of each node begin in `ids`.
    pub starts: Cow<'a, [u32]>,
    /// Rows, those of a node ascending.
    pub ids: Cow<'a, [u32]>,
    /// Lists of the lowest level, 2 M links a node.
    pub links: Cow<'a, [u32]>,
    /// Where the lists of each node begin in `upper`, one for each level above the lowest.
    pub upper_starts: Cow<'a, [u32]>,
    /// Lists of the other levels, M links each.
    pub upper: Cow<'a, [u32]>,
}

impl Hnsw<'_> {
    /// Numbers of a padded row.
    pub(crate) fn stride(&self) -> usize {
        self.n_features.next_multiple_of(LANES)
    }

    /// Number of nodes.
    pub fn n_nodes(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Checks that the arrays have the lengths that belong together.
    ///
    /// What they hold is not looked at, so that asking costs nothing beforehand: searches step over
    /// links to nodes and rows that are not there.
    pub fn checked(self) -> Result<Self> {
        self.params.check()?;
        let n = self.n_nodes();
        let fits = self.centre.len() == self.n_features
            && self.n_features > 0
            && self.points.len() == n * self.stride()
            && self.ids.len() == self.n_samples
            && self.links.len() == n * 2 * self.params.M
            && self.upper_starts.len() == n + 1
            && self.upper.len().is_multiple_of(self.params.M)
            && (self.entry.0 as usize) < n
            && self.entry.1 < 64
            && n < NONE as usize / 2;
        if fits {
            Ok(self)
        } else {
            Err(Error::data("the arrays of the graph do not fit each other"))
        }
    }

    /// Rows of a node.
    pub(crate) fn rows_of(&self, node: usize) -> &[u32] {
        let (Some(&start), Some(&end)) = (self.starts.get(node), self.starts.get(node + 1)) else {
            return &[];
        };
        self.ids.get(start as usize..end as usize).unwrap_or(&[])
    }
}
