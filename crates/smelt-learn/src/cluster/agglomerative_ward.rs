//! Ward's linkage on centres: rounds of merges of clusters that are each other's nearest.
//!
//! The centres lie in a packed tree; a child of a node whose smallest cluster has m rows is at least
//! `s m / (s + m)` times its box's squared distance away from a cluster of s rows.  Merged clusters
//! become NaN where they lie in the tree, new ones wait in a list that all look through, until there
//! are so many that the tree is made again.

use smelt_core::parallel::for_chunks_mut;
use smelt_core::simd::vectorize;
use smelt_core::{Control, Mat, MatRef, Result};

use super::agglomerative::{Nearest, copy_rows, mutual, no_pair, settle};
use super::dendrogram::Merge;
use crate::neighbors::closest::places_within;
use crate::neighbors::metric::Euclidean;
use crate::neighbors::tree::{LANES, lane_distances};
use crate::neighbors::tree_query::read_row;
use crate::neighbors::walk::{Pending, Search, walk};
use crate::neighbors::{Metric, PackedTree, Shape, TreeParams, nearest_neighbors_fit};

/// Most rows in a leaf.
const LEAF: usize = 24;
/// Searches of one chunk.
const CHUNK: usize = 64;

/// Clusters, each at the place of its first row.
struct Clusters {
    centres: Mat<f64>,
    sizes: Vec<f64>,
    nearest: Vec<Nearest>,
    /// Places of clusters, ascending.
    alive: Vec<u32>,
}

/// Where the centres lie.
struct Places<'a> {
    tree: PackedTree<'a>,
    /// Cluster of each row of the tree, and its place in the leaves.
    slots: Vec<u32>,
    place_of: Vec<u32>,
    /// Rows of the smallest cluster below each child of each node.
    smallest: Vec<f64>,
    /// Rows of the smallest cluster of all.
    least: f64,
    /// Clusters made since, and their centres in blocks of eight, column by column.
    fresh: Vec<u32>,
    blocks: Vec<f64>,
}

/// Merges the rows of X.
pub(super) fn merge_by_ward(X: MatRef<'_, f64>, control: &Control) -> Result<Vec<Merge>> {
    let n = X.n_rows();
    let all: Vec<u32> = (0..n as u32).collect();
    let mut clusters = Clusters {
        centres: copy_rows(X, &all, control)?,
        sizes: vec![1.0; n],
        nearest: vec![Nearest::NONE; n],
        alive: all.clone(),
    };
    let mut places = Places::new(&clusters, control)?;
    let (mut merges, mut looking) = (Vec::with_capacity(n - 1), all);
    while clusters.alive.len() > 1 {
        // 1. The nearest of those who have none.
        look(&mut clusters, &places, &mut looking, control)?;
        // 2. Merge who are each other's nearest.
        let pairs = mutual(&looking, &clusters.nearest);
        if pairs.is_empty() {
            return Err(no_pair(&merges));
        }
        let mut is_gone = vec![false; n];
        for &(one, other) in &pairs {
            let distance = clusters.nearest[one as usize].distance;
            merges.push(Merge { one, other, height: (2.0 * distance).sqrt() });
            clusters.join(one as usize, other as usize);
            places.forget(one);
            places.forget(other);
            (is_gone[one as usize], is_gone[other as usize]) = (true, true);
        }
        clusters.alive.retain(|&slot| clusters.sizes[slot as usize] > 0.0);
        looking.clear();
        looking.extend(clusters.alive.iter().filter(|&&slot| {
            is_gone[slot as usize] || is_gone[clusters.nearest[slot as usize].other as usize]
        }));
        // 3. A new tree where many are new.
        if 16 * (places.fresh.len() + pairs.len()) > clusters.alive.len() {
            places = Places::new(&clusters, control)?;
        } else {
            places.add(pairs.iter().map(|pair| pair.0), &clusters);
        }
    }
    Ok(merges)
}

/// Looks for the nearest of each of `looking`, and puts these in the order of the leaves.
fn look(
    clusters: &mut Clusters,
    places: &Places<'_>,
    looking: &mut [u32],
    control: &Control,
) -> Result<()> {
    looking.sort_unstable_by_key(|&slot| (places.place_of[slot as usize], slot));
    let d = clusters.centres.n_cols();
    let mut found = vec![Nearest::NONE; looking.len()];
    let (centres, sizes) = (clusters.centres.view(), &clusters.sizes);
    let cost = 300.0 + 30.0 * d as f64;
    for_chunks_mut(&mut found, 1, CHUNK, cost, |_, items, found| {
        let (mut query, mut pending) = (vec![0.0; d], Vec::<Pending>::with_capacity(64));
        for (item, found) in items.zip(found) {
            if control.check().is_err() {
                return;
            }
            let own = looking[item];
            let size = sizes[own as usize];
            read_row(centres, own as usize, &mut query);
            let mut search = Look { places, sizes, own, size, best: Nearest::NONE };
            vectorize(
                #[inline(always)]
                || {
                    search.among_fresh(&query);
                    walk(&places.tree, &query, Euclidean, &mut pending, &mut search);
                },
            );
            *found = search.best;
        }
    });
    control.check()?;
    settle(&mut clusters.nearest, looking, &found);
    Ok(())
}

/// The search for the nearest cluster, in units of the growth of the sum of squares.
struct Look<'a> {
    places: &'a Places<'a>,
    sizes: &'a [f64],
    own: u32,
    size: f64,
    best: Nearest,
}

/// Growth of the sum of squares for a squared distance of one.
#[inline(always)]
fn factor(one: f64, other: f64) -> f64 {
    one * other / (one + other)
}

impl Look<'_> {
    #[inline(always)]
    fn weigh(&mut self, distances: &[f64; LANES], slot_of: impl Fn(usize) -> Option<u32>) {
        let limit = self.best.distance / factor(self.size, self.places.least) * (1.0 + 1e-14);
        let mut near = places_within(distances, limit);
        while near != 0 {
            let lane = near.trailing_zeros() as usize % LANES;
            near &= near - 1;
            if let Some(slot) = slot_of(lane).filter(|&slot| slot != self.own) {
                let distance = factor(self.size, self.sizes[slot as usize]) * distances[lane];
                self.best.offer(self.own, distance, slot);
            }
        }
    }

    #[inline(always)]
    fn among_fresh(&mut self, query: &[f64]) {
        let places = self.places;
        let blocks = places.blocks.chunks_exact(LANES * query.len());
        for (block, slots) in blocks.zip(places.fresh.chunks(LANES)) {
            let distances = lane_distances(block, LANES, query, Euclidean);
            self.weigh(&distances, |lane| slots.get(lane).copied());
        }
    }
}

impl Search for Look<'_> {
    #[inline(always)]
    fn limit(&self) -> f64 {
        self.best.distance
    }
    #[inline(always)]
    fn is_full_from(&self, _least: u32) -> bool {
        false
    }
    #[inline(always)]
    fn tighten(&self, node: usize, bounds: &mut [f64; LANES]) {
        let smallest = &self.places.smallest[node * LANES..][..LANES];
        for lane in 0..LANES {
            bounds[lane] *= factor(self.size, smallest[lane]);
        }
    }
    #[inline(always)]
    fn see(&mut self, distances: &[f64; LANES], ids: &[u32; LANES]) {
        let places = self.places;
        self.weigh(distances, |lane| places.slots.get(ids[lane] as usize).copied());
    }
}

impl Clusters {
    /// Joins two clusters at the place of the first.
    fn join(&mut self, one: usize, other: usize) {
        let added = self.sizes[other];
        let total = self.sizes[one] + added;
        let d = self.centres.n_cols();
        for j in 0..d {
            let (a, b) = (self.centres.row(one)[j], self.centres.row(other)[j]);
            self.centres.row_mut(one)[j] = a + (b - a) * (added / total); // a where a = b
        }
        (self.sizes[one], self.sizes[other]) = (total, 0.0);
    }
}

impl Places<'_> {
    fn new(clusters: &Clusters, control: &Control) -> Result<Self> {
        let slots = clusters.alive.clone();
        let rows = copy_rows(clusters.centres.view(), &slots, control)?;
        let params = TreeParams {
            algorithm: Shape::KdTree,
            metric: Metric::Euclidean,
            p: 2.0,
            leaf_size: LEAF,
        };
        let tree = nearest_neighbors_fit(rows.view(), &params, control)?;
        let mut place_of = vec![u32::MAX; clusters.sizes.len()];
        for (place, &id) in tree.ids.iter().enumerate() {
            if let Some(&slot) = slots.get(id as usize) {
                place_of[slot as usize] = place as u32;
            }
        }
        // Smallest clusters, from the leaves up.
        let plan = &tree.plan;
        let mut smallest = vec![1.0_f64; plan.n_nodes() * LANES];
        for level in (0..plan.n_levels()).rev() {
            let (start, end) = (plan.offsets[level], plan.offsets[level + 1]);
            let n_children = if level == 0 { plan.root_children() } else { LANES };
            for node in 0..end - start {
                for child in 0..n_children {
                    let index = node * n_children + child;
                    smallest[(start + node) * LANES + child] = if level + 1 == plan.n_levels() {
                        let ids = &tree.ids[index * plan.capacity..][..plan.capacity];
                        let slots = ids.iter().filter_map(|&id| slots.get(id as usize));
                        slots.map(|&slot| clusters.sizes[slot as usize]).fold(f64::MAX, f64::min)
                    } else {
                        let below = &smallest[(end + index) * LANES..][..LANES];
                        below.iter().copied().fold(f64::MAX, f64::min)
                    };
                }
            }
        }
        let sizes = slots.iter().map(|&slot| clusters.sizes[slot as usize]);
        let least = sizes.fold(f64::MAX, f64::min);
        let (fresh, blocks) = (Vec::new(), Vec::new());
        Ok(Places { tree, slots, place_of, smallest, least, fresh, blocks })
    }

    /// Takes a cluster out.
    fn forget(&mut self, slot: u32) {
        let (capacity, d) = (self.tree.plan.capacity, self.tree.n_features);
        let place = self.place_of[slot as usize] as usize;
        if place < self.tree.ids.len() {
            let at = place / capacity * capacity * d + place % capacity;
            self.tree.points.to_mut()[at] = f64::NAN;
            self.place_of[slot as usize] = u32::MAX;
        } else if let Some(place) = self.fresh.iter().position(|&fresh| fresh == slot) {
            self.blocks[place / LANES * LANES * d + place % LANES] = f64::NAN;
            self.fresh[place] = u32::MAX;
        }
    }

    /// Puts new clusters on the list.
    fn add(&mut self, slots: impl Iterator<Item = u32>, clusters: &Clusters) {
        let d = self.tree.n_features;
        for slot in slots {
            let place = self.fresh.len();
            if place.is_multiple_of(LANES) {
                self.blocks.resize(self.blocks.len() + LANES * d, f64::NAN);
            }
            let block = &mut self.blocks[place / LANES * LANES * d..];
            for (j, &value) in clusters.centres.row(slot as usize).iter().enumerate() {
                block[j * LANES + place % LANES] = value;
            }
            self.fresh.push(slot);
        }
    }
}
