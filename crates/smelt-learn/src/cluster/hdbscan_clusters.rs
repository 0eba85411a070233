//! HDBSCAN, from the tree to clusters: branches of fewer than `min_cluster_size` rows are rows that
//! leave a cluster; what is left is a small tree of clusters, of which the most stable ones, or the
//! last ones, are taken.  λ is one over the distance.
//!
//! Cost: some passes over n rows.  Twin: `smelt.plain.cluster.hdbscan`.

use std::collections::VecDeque;

use serde::Deserialize;
use smelt_core::{Control, Error, Result};

/// A condensed tree: rows are nodes `0..n`, clusters are nodes from n on, n the root.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CondensedTree {
    /// Cluster that is left.
    pub parent: Vec<i64>,
    /// Row or cluster that leaves it.
    pub child: Vec<i64>,
    /// One over the distance at which it leaves.
    pub lambda: Vec<f64>,
    /// Rows of the child.
    pub size: Vec<i64>,
}

/// Condenses a tree of merges, pairs of nodes one after the other.
pub fn hdbscan_condense(
    children: &[i64],
    distances: &[f64],
    min_cluster_size: usize,
    control: &Control,
) -> Result<CondensedTree> {
    let (pairs, rest) = children.as_chunks::<2>();
    let n = pairs.len() + 1;
    let is_tree = pairs
        .iter()
        .enumerate()
        .all(|(index, pair)| pair.iter().all(|&node| node >= 0 && node < (n + index) as i64));
    if !rest.is_empty() || !is_tree || n < 2 || distances.len() != pairs.len() {
        return Err(Error::data("the children are those of no tree"));
    }
    let mut sizes = vec![1_usize; n];
    for pair in pairs {
        let size = pair.iter().map(|&node| sizes[node as usize]).sum();
        sizes.push(size);
    }
    let mut tree = CondensedTree::default();
    let mut put = |parent: usize, child: usize, lambda: f64, size: usize| {
        tree.parent.push(parent as i64);
        tree.child.push(child as i64);
        tree.lambda.push(lambda);
        tree.size.push(size as i64);
    };
    // From the root down, level by level: each node with the cluster it is of.
    let mut next_cluster = n + 1;
    let mut waiting = VecDeque::from([(2 * n - 2, n)]);
    let mut falling = VecDeque::new();
    while let Some((node, cluster)) = waiting.pop_front() {
        control.check()?;
        if node < n {
            continue;
        }
        let distance = distances[node - n];
        let lambda = if distance > 0.0 { 1.0 / distance } else { f64::INFINITY };
        let sides = pairs[node - n].map(|side| side as usize);
        let splits = sides.iter().all(|&side| sizes[side] >= min_cluster_size);
        for side in sides {
            if splits {
                put(cluster, next_cluster, lambda, sizes[side]);
                waiting.push_back((side, next_cluster));
                next_cluster += 1;
            } else if sizes[side] >= min_cluster_size {
                waiting.push_back((side, cluster));
            } else {
                // A small branch: its rows leave here.
                falling.push_back(side);
                while let Some(node) = falling.pop_front() {
                    if node < n {
                        put(cluster, node, lambda, 1);
                    } else {
                        falling.extend(pairs[node - n].map(|side| side as usize));
                    }
                }
            }
        }
    }
    Ok(tree)
}

/// How clusters are taken from the tree of clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// The most stable ones: excess of mass.
    Eom,
    /// Those that split no more.
    Leaf,
}

/// Parameters of [`hdbscan_select`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionParams {
    /// How clusters are taken.
    pub method: Selection,
    /// Whether all rows may be one cluster.
    pub allow_single_cluster: bool,
    /// Clusters that split at a smaller distance stay together.
    pub epsilon: f64,
    /// Most rows of a cluster, as far as excess of mass goes.
    pub max_cluster_size: Option<i64>,
}

/// What [`hdbscan_select`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectedClusters {
    /// Cluster of each row, -1 for noise.
    pub labels: Vec<i64>,
    /// How firmly each row belongs to its cluster, from 0 to 1.
    pub probabilities: Vec<f64>,
    /// Nodes of the clusters.
    pub clusters: Vec<i64>,
    /// Stability of each cluster: the sum of λ over which its rows belong to it.
    pub stabilities: Vec<f64>,
}

/// The tree of clusters, each by its number less n.
struct Clusters {
    parent: Vec<usize>,
    children: Vec<Vec<usize>>,
    birth: Vec<f64>,
    size: Vec<i64>,
    stability: Vec<f64>,
}

/// Takes clusters from a condensed tree.
pub fn hdbscan_select(
    tree: &CondensedTree,
    params: &SelectionParams,
    control: &Control,
) -> Result<SelectedClusters> {
    let m = tree.parent.len();
    if [tree.child.len(), tree.lambda.len(), tree.size.len()] != [m; 3] || m == 0 {
        return Err(Error::data("the arrays of the condensed tree differ in length, or are empty"));
    }
    let n = tree.parent.iter().copied().min().unwrap_or(0).max(0) as usize;
    let last = tree.parent.iter().chain(&tree.child).copied().max().unwrap_or(0);
    if tree.child.iter().any(|&child| child < 0) || last as usize > n + m {
        return Err(Error::data("the nodes of the condensed tree are out of range"));
    }
    // 1. The clusters and their stability.
    let clusters = Clusters::read(tree, n, (last as usize + 1).saturating_sub(n).max(1));
    control.check()?;
    let chosen = match params.method {
        Selection::Eom => clusters.most_stable(params),
        Selection::Leaf => clusters.leaves(params),
    };
    // 2. Each cluster's number, or that of the chosen one above it.
    let count = clusters.parent.len();
    let mut label_of = vec![-1_i64; count];
    let mut names = Vec::new();
    for cluster in 0..count {
        if chosen[cluster] {
            label_of[cluster] = names.len() as i64;
            names.push(cluster);
        } else if cluster > 0 {
            label_of[cluster] = label_of[clusters.parent[cluster]];
        }
    }
    let root_only = chosen[0] && names.len() == 1;
    let enough = if params.epsilon == 0.0 {
        let of_root =
            tree.parent.iter().zip(&tree.lambda).filter(|(parent, _)| **parent == n as i64);
        of_root.map(|(_, &lambda)| lambda).fold(f64::NEG_INFINITY, f64::max)
    } else {
        1.0 / params.epsilon
    };
    // 3. Labels of the rows; where the root is a cluster only what stays in it long enough.
    let deaths = last_lambdas(tree, n, count);
    let mut out = SelectedClusters {
        labels: vec![-1; n],
        probabilities: vec![0.0; n],
        clusters: names.iter().map(|&cluster| (n + cluster) as i64).collect(),
        stabilities: names.iter().map(|&cluster| clusters.stability[cluster]).collect(),
    };
    for index in 0..m {
        let row = tree.child[index] as usize;
        if row >= n {
            continue;
        }
        let (of, lambda) = ((tree.parent[index] as usize) - n, tree.lambda[index]);
        let label = label_of[of];
        if label < 0 || (chosen[0] && label == label_of[0] && !(root_only && lambda >= enough)) {
            continue;
        }
        out.labels[row] = label;
        let most = deaths[names[label as usize]];
        let is_sure = most == 0.0 || lambda.is_infinite();
        out.probabilities[row] = if is_sure { 1.0 } else { lambda.min(most) / most };
    }
    Ok(out)
}

/// The largest λ of the last run of entries of each cluster, as scikit-learn has it.
fn last_lambdas(tree: &CondensedTree, n: usize, count: usize) -> Vec<f64> {
    let mut deaths = vec![0.0_f64; count];
    let mut before = i64::MIN;
    for (&parent, &lambda) in tree.parent.iter().zip(&tree.lambda) {
        let death = &mut deaths[parent as usize - n];
        *death = if parent == before { death.max(lambda) } else { lambda };
        before = parent;
    }
    deaths
}

impl Clusters {
    fn read(tree: &CondensedTree, n: usize, count: usize) -> Self {
        let mut out = Self {
            parent: vec![0; count],
            children: vec![Vec::new(); count],
            birth: vec![0.0; count],
            size: vec![0; count],
            stability: vec![0.0; count],
        };
        for index in 0..tree.parent.len() {
            let parent = tree.parent[index] as usize - n;
            let child = tree.child[index] as usize;
            if child > n {
                let child = child - n;
                out.parent[child] = parent;
                out.birth[child] = tree.lambda[index];
                out.size[child] = tree.size[index];
                out.children[parent].push(child);
            }
        }
        // As scikit-learn has it: of the root, the rows that go on in clusters.
        out.size[0] = out.children[0].iter().map(|&child| out.size[child]).sum();
        for index in 0..tree.parent.len() {
            let parent = tree.parent[index] as usize - n;
            let lasts = tree.lambda[index] - out.birth[parent];
            out.stability[parent] += lasts * tree.size[index] as f64;
        }
        out
    }

    fn below(&self, cluster: usize) -> Vec<usize> {
        let mut found = vec![cluster];
        let mut at = 0;
        while at < found.len() {
            found.extend(&self.children[found[at]]);
            at += 1;
        }
        found
    }

    /// Clusters that are more stable than all that is taken below them.
    fn most_stable(&self, params: &SelectionParams) -> Vec<bool> {
        let count = self.parent.len();
        let first = usize::from(!params.allow_single_cluster);
        let mut stability = self.stability.clone();
        let mut chosen = vec![false; count];
        let most = params.max_cluster_size.unwrap_or(i64::MAX);
        chosen[first..].fill(true);
        for cluster in (first..count).rev() {
            let below: f64 = self.children[cluster].iter().map(|&child| stability[child]).sum();
            if below > stability[cluster] || self.size[cluster] > most {
                chosen[cluster] = false;
                stability[cluster] = below;
            } else {
                // What lies below is settled: its chosen ones give way.
                for other in self.below(cluster).into_iter().skip(1) {
                    chosen[other] = false;
                }
            }
        }
        if params.epsilon == 0.0 || count == 1 {
            return chosen;
        }
        let found: Vec<usize> = (0..count).filter(|&cluster| chosen[cluster]).collect();
        if found == [0] { chosen } else { self.join_near(&found, params) }
    }

    /// Clusters that split no more.
    fn leaves(&self, params: &SelectionParams) -> Vec<bool> {
        let count = self.parent.len();
        let found: Vec<usize> = (1..count).filter(|&c| self.children[c].is_empty()).collect();
        if params.epsilon == 0.0 {
            (0..count).map(|cluster| cluster > 0 && self.children[cluster].is_empty()).collect()
        } else {
            self.join_near(&found, params)
        }
    }

    /// In the place of clusters born at a distance below epsilon: those above them that were not.
    fn join_near(&self, found: &[usize], params: &SelectionParams) -> Vec<bool> {
        let mut chosen = vec![false; self.parent.len()];
        let mut is_done = vec![false; self.parent.len()];
        for &cluster in found {
            if 1.0 / self.birth[cluster] >= params.epsilon {
                chosen[cluster] = true;
            } else if !is_done[cluster] {
                let mut top = cluster;
                loop {
                    let above = self.parent[top];
                    if above == 0 {
                        top = if params.allow_single_cluster { 0 } else { top };
                        break;
                    }
                    top = above;
                    if 1.0 / self.birth[above] > params.epsilon {
                        break;
                    }
                }
                chosen[top] = true;
                for other in self.below(top).into_iter().skip(1) {
                    is_done[other] = true;
                }
            }
        }
        chosen
    }
}
