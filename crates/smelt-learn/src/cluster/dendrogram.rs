//! Dendrograms: which two clusters became one, at what height, and the clusters below a cut.

use smelt_core::{Error, Result};

/// Two clusters, each named by one of its rows, become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Merge {
    pub(super) one: u32,
    pub(super) other: u32,
    pub(super) height: f64,
}

/// A tree of merges: rows are nodes `0..n`, merge i makes node `n + i`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dendrogram {
    /// The two nodes of each merge, one pair after the other.
    pub children: Vec<i64>,
    /// Height of each merge.
    pub heights: Vec<f64>,
}

/// Order of the two nodes of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sides {
    /// The smaller node first.
    Ascending,
    /// As the merge has them.
    AsGiven,
}

impl Dendrogram {
    /// Numbers the clusters in the order of the merges.
    pub(super) fn number(n: usize, merges: &[Merge], sides: Sides) -> Self {
        let mut parent: Vec<u32> = (0..n as u32).collect();
        let mut node: Vec<i64> = (0..n as i64).collect();
        let mut children = Vec::with_capacity(2 * merges.len());
        for (index, merge) in merges.iter().enumerate() {
            let (one, other) = (find(&mut parent, merge.one), find(&mut parent, merge.other));
            let (mut left, mut right) = (node[one as usize], node[other as usize]);
            if sides == Sides::Ascending && left > right {
                (left, right) = (right, left);
            }
            children.extend([left, right]);
            parent[other as usize] = one;
            node[one as usize] = (n + index) as i64;
        }
        Self { children, heights: merges.iter().map(|merge| merge.height).collect() }
    }
}

/// Root of an item; halves the way there.
pub(super) fn find(parent: &mut [u32], item: u32) -> u32 {
    let mut item = item;
    while parent[item as usize] != item {
        let above = parent[parent[item as usize] as usize];
        parent[item as usize] = above;
        item = above;
    }
    item
}

/// A binary heap that keeps equal items in the order in which Python's `heapq` keeps them, so that
/// ties are decided as in programs written with that.
#[derive(Debug, Default)]
pub(super) struct Heap<T>(pub(super) Vec<T>);

impl<T: Copy> Heap<T> {
    pub(super) fn heapify(items: Vec<T>, less: impl Fn(&T, &T) -> bool + Copy) -> Self {
        let mut heap = Self(items);
        for place in (0..heap.0.len() / 2).rev() {
            heap.sink(place, less);
        }
        heap
    }

    pub(super) fn push(&mut self, item: T, less: impl Fn(&T, &T) -> bool) {
        self.0.push(item);
        let last = self.0.len() - 1;
        self.rise(0, last, less);
    }

    pub(super) fn pop(&mut self, less: impl Fn(&T, &T) -> bool + Copy) -> Option<T> {
        let last = self.0.pop()?;
        let Some(first) = self.0.first_mut() else { return Some(last) };
        let out = std::mem::replace(first, last);
        self.sink(0, less);
        Some(out)
    }

    /// Puts an item in the place of the first one, unless it would come before that.
    pub(super) fn exchange(&mut self, item: T, less: impl Fn(&T, &T) -> bool + Copy) {
        if self.0.first().is_some_and(|first| less(first, &item)) {
            self.0[0] = item;
            self.sink(0, less);
        }
    }

    /// Moves smaller children up all the way to a leaf, then the item up again to its place.
    fn sink(&mut self, start: usize, less: impl Fn(&T, &T) -> bool + Copy) {
        let (items, mut place) = (&mut self.0, start);
        let item = items[place];
        let mut child = 2 * place + 1;
        while child < items.len() {
            let right = child + 1;
            if right < items.len() && !less(&items[child], &items[right]) {
                child = right;
            }
            items[place] = items[child];
            place = child;
            child = 2 * place + 1;
        }
        items[place] = item;
        self.rise(start, place, less);
    }

    fn rise(&mut self, start: usize, mut place: usize, less: impl Fn(&T, &T) -> bool) {
        let item = self.0[place];
        while place > start {
            let above = (place - 1) / 2;
            if !less(&item, &self.0[above]) {
                break;
            }
            self.0[place] = self.0[above];
            place = above;
        }
        self.0[place] = item;
    }
}

/// Cluster of each row once the highest merges are undone until `n_clusters` are left.
///
/// Clusters are numbered as their nodes lie in the heap from which the highest was taken: those are
/// scikit-learn's numbers.
pub fn agglomerative_clustering_cut(children: &[i64], n_clusters: usize) -> Result<Vec<i64>> {
    let (pairs, rest) = children.as_chunks::<2>();
    let n = pairs.len() + 1;
    if n_clusters == 0 || n_clusters > n {
        return Err(Error::data(format!(
            "Cannot extract more clusters than samples: {n_clusters} clusters were given for a tree \
             with {n} leaves."
        )));
    }
    let is_tree = pairs
        .iter()
        .enumerate()
        .all(|(index, pair)| pair.iter().all(|&node| node >= 0 && node < (n + index) as i64));
    if !rest.is_empty() || !is_tree {
        return Err(Error::data("the children are those of no tree"));
    }
    let less = |one: &i64, other: &i64| one < other;
    let root = 2 * (n as i64 - 1);
    let mut heads = Heap(vec![-root]);
    for _ in 1..n_clusters {
        let [left, right] = pairs[(-heads.0[0]) as usize - n];
        heads.push(-left, less);
        heads.exchange(-right, less);
    }
    let mut label_of = vec![-1_i64; 2 * n - 1];
    for (label, head) in heads.0.iter().enumerate() {
        label_of[(-head) as usize] = label as i64;
    }
    for (index, pair) in pairs.iter().enumerate().rev() {
        let label = label_of[n + index];
        if label >= 0 {
            for &node in pair {
                label_of[node as usize] = label;
            }
        }
    }
    label_of.truncate(n);
    Ok(label_of)
}

#[cfg(test)]
mod tests {
    use super::{Dendrogram, Heap, Merge, Sides, agglomerative_clustering_cut};

    #[test]
    fn a_heap_sorts() {
        let less = |one: &u64, other: &u64| one < other;
        let mut heap = Heap::heapify((0..50).map(|i| i * 7919 % 101).collect(), less);
        for i in 0..50 {
            heap.push(i * 31 % 97, less);
        }
        let mut out = Vec::new();
        while let Some(item) = heap.pop(less) {
            out.push(item);
        }
        assert!(out.is_sorted() && out.len() == 100);
    }

    #[test]
    fn a_cut_undoes_the_highest_merges() {
        let merge = |one, other, height| Merge { one, other, height };
        let merges = [merge(0, 1, 1.0), merge(4, 3, 2.0), merge(2, 1, 3.0), merge(3, 0, 9.0)];
        let tree = Dendrogram::number(5, &merges, Sides::Ascending);
        assert_eq!(tree.children, [0, 1, 3, 4, 2, 5, 6, 7]);
        let labels = agglomerative_clustering_cut(&tree.children, 2).unwrap();
        assert!(labels[0] == labels[1] && labels[1] == labels[2] && labels[3] == labels[4]);
        assert_ne!(labels[0], labels[3]);
        assert_eq!(agglomerative_clustering_cut(&tree.children, 1).unwrap(), [0; 5]);
        assert!(agglomerative_clustering_cut(&tree.children, 6).is_err());
        assert!(agglomerative_clustering_cut(&[0, 7], 1).is_err());
    }
}
