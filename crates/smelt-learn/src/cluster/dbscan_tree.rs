//! DBSCAN by a packed tree: a search of each row for enough neighbours, one of each core row for
//! those of other components, one of each other row for the first cluster within reach.

use std::sync::atomic::{AtomicBool, Ordering};

use smelt_core::parallel::{for_chunks, for_chunks_mut};
use smelt_core::simd::vectorize;
use smelt_core::{Control, MatRef, Result};

use super::components::Components;
use super::dbscan::{DbscanFit, Density};
use crate::neighbors::PackedTree;
use crate::neighbors::closest::places_within;
use crate::neighbors::metric::Distance;
use crate::neighbors::tree::LANES;
use crate::neighbors::tree_query::read_row;
use crate::neighbors::walk::{Pending, Search, walk};

/// Queries of one chunk.
const CHUNK: usize = 256;
/// Nanoseconds of one query; it decides whether threads are woken.
const COST: f64 = 2000.0;

/// Weighs what is near until it is enough.
struct Weigh<'a> {
    limit: f64,
    sum: f64,
    density: Density<'a>,
}

impl Search for Weigh<'_> {
    #[inline(always)]
    fn limit(&self) -> f64 {
        self.limit
    }
    #[inline(always)]
    fn is_full_from(&self, _least: u32) -> bool {
        false
    }
    #[inline(always)]
    fn see(&mut self, distances: &[f64; LANES], ids: &[u32; LANES]) {
        let mut near = places_within(distances, self.limit);
        match self.density.weight {
            None => self.sum += f64::from(near.count_ones()),
            Some(weight) => {
                while near != 0 {
                    let lane = near.trailing_zeros() as usize % LANES;
                    self.sum += weight[ids[lane] as usize];
                    near &= near - 1;
                }
            }
        }
        if self.density.grows && self.sum >= self.density.needed {
            self.limit = f64::NEG_INFINITY; // nothing counts any more: the walk ends
        }
    }
}

/// Calls `found` for what is near, in leaves that are not `settled`.
struct Reach<F, S> {
    limit: f64,
    found: F,
    settled: S,
}

impl<F: FnMut(u32), S: Fn(usize) -> bool> Search for Reach<F, S> {
    #[inline(always)]
    fn limit(&self) -> f64 {
        self.limit
    }
    #[inline(always)]
    fn is_full_from(&self, _least: u32) -> bool {
        false
    }
    #[inline(always)]
    fn leaves_out(&self, leaf: usize) -> bool {
        (self.settled)(leaf)
    }
    #[inline(always)]
    fn see(&mut self, distances: &[f64; LANES], ids: &[u32; LANES]) {
        let mut near = places_within(distances, self.limit);
        while near != 0 {
            (self.found)(ids[near.trailing_zeros() as usize % LANES]);
            near &= near - 1;
        }
    }
}

/// Clusters the rows of a tree.
pub(super) fn fit_by_tree<M: Distance>(
    X: MatRef<'_, f64>,
    tree: &PackedTree<'_>,
    metric: M,
    limit: f64,
    density: Density<'_>,
    control: &Control,
) -> Result<DbscanFit> {
    let (n, d) = (X.n_rows(), X.n_cols());
    let order = tree.order();
    // 1. Core rows, in the order of the leaves.
    let mut flags = vec![false; n];
    for_chunks_mut(&mut flags, 1, CHUNK, COST, |_, places, flags| {
        let (mut query, mut pending) = (vec![0.0; d], Vec::<Pending>::with_capacity(64));
        for (place, flag) in places.zip(flags) {
            if control.check().is_err() {
                return;
            }
            let mut search = Weigh { limit, sum: 0.0, density };
            read_row(X, order[place] as usize, &mut query);
            vectorize(
                #[inline(always)]
                || walk(tree, &query, metric, &mut pending, &mut search),
            );
            *flag = search.sum >= density.needed;
        }
    });
    control.check()?;
    let mut is_core = vec![false; n];
    for (&row, flag) in order.iter().zip(flags) {
        is_core[row as usize] = flag;
    }
    let is_core = is_core;
    // 2. Components of the core rows.
    let components = Components::new(n);
    let capacity = tree.plan.capacity;
    let n_leaves = tree.plan.n_leaves();
    let uniform: Vec<AtomicBool> = (0..n_leaves).map(|_| AtomicBool::new(false)).collect();
    let core_of = |leaf: usize| {
        let ids = &tree.ids[leaf * capacity..][..capacity];
        ids.iter().copied().filter(|&id| id != u32::MAX && is_core[id as usize])
    };
    let cost = COST * capacity as f64;
    for_chunks(n_leaves, 8, cost, |_, leaves| {
        let (mut query, mut pending) = (vec![0.0; d], Vec::<Pending>::with_capacity(64));
        for leaf in leaves {
            for row in core_of(leaf) {
                if control.check().is_err() {
                    return;
                }
                read_row(X, row as usize, &mut query);
                let found = |other: u32| {
                    if is_core[other as usize] {
                        components.unite(row, other);
                    }
                };
                // Of leaves that another query has joined to this one's component nothing is asked.
                let settled = |leaf: usize| {
                    let (mut others, root) = (core_of(leaf), components.find(row));
                    let mut joined = |other| components.find(other) == root;
                    let first = others.next().is_none_or(&mut joined);
                    if first && !uniform[leaf].load(Ordering::Relaxed) {
                        let all = others.all(joined);
                        uniform[leaf].store(all, Ordering::Relaxed);
                        return all;
                    }
                    first
                };
                let mut search = Reach { limit, found, settled };
                vectorize(
                    #[inline(always)]
                    || walk(tree, &query, metric, &mut pending, &mut search),
                );
            }
        }
    });
    control.check()?;
    // 3. Numbers: the root of a component is its first core row.
    let mut labels = vec![-1_i64; n];
    let mut n_clusters = 0;
    for row in 0..n {
        if is_core[row] {
            let root = components.find(row as u32) as usize;
            if root == row {
                labels[row] = n_clusters;
                n_clusters += 1;
            } else {
                labels[row] = labels[root];
            }
        }
    }
    // 4. Other rows join the first cluster within reach.
    let rest: Vec<u32> = order.iter().copied().filter(|&row| !is_core[row as usize]).collect();
    let mut joined = vec![-1_i64; if n_clusters > 0 { rest.len() } else { 0 }];
    for_chunks_mut(&mut joined, 1, CHUNK, COST, |_, places, joined| {
        let (mut query, mut pending) = (vec![0.0; d], Vec::<Pending>::with_capacity(64));
        for (place, label) in places.zip(joined) {
            if control.check().is_err() {
                return;
            }
            read_row(X, rest[place] as usize, &mut query);
            let mut first = i64::MAX;
            let found = |other: u32| {
                if is_core[other as usize] {
                    first = first.min(labels[other as usize]);
                }
            };
            let mut search = Reach { limit, found, settled: |_| false };
            vectorize(
                #[inline(always)]
                || walk(tree, &query, metric, &mut pending, &mut search),
            );
            if first < i64::MAX {
                *label = first;
            }
        }
    });
    control.check()?;
    for (&row, label) in rest.iter().zip(joined) {
        labels[row as usize] = label;
    }
    let core_sample_indices = (0..n as i64).filter(|&row| is_core[row as usize]).collect();
    Ok(DbscanFit { labels, core_sample_indices })
}
