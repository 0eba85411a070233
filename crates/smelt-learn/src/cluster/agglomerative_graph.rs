//! Agglomerative clustering where only neighbours in a graph may merge: Ward, complete, average and
//! weighted linkage by a heap of edges.
//!
//! An edge is taken from the heap; where both its clusters are still there they merge, and the edges
//! of their union to its neighbours are put on the heap.  Distances of clusters that share no edge
//! are not looked at: a neighbour of one part only keeps its distance.  Ties go as in a program
//! written with Python's `heapq`.
//!
//! Cost: a heap operation an edge, and one for each neighbour of each merged cluster; Ward d each.
//! Twin: `smelt.plain.cluster.agglomerative_clustering`.

use serde::Deserialize;
use smelt_core::{Control, CsrRef, Error, MatRef, Result};

use super::agglomerative::Linkage;
use super::dendrogram::{Dendrogram, Heap, find};

/// Parameters of [`agglomerative_clustering_fit_graph`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgglomerativeGraphParams {
    /// What the distance of two clusters is.
    pub linkage: Linkage,
    /// Merges before the end.
    pub n_merges: usize,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    distance: f64,
    one: u32,
    other: u32,
}

/// By distance and then, for Ward, by the two clusters.
fn ward_less(one: &Edge, other: &Edge) -> bool {
    (one.distance, one.one, one.other) < (other.distance, other.one, other.other)
}

fn less(one: &Edge, other: &Edge) -> bool {
    one.distance < other.distance
}

/// Merges neighbours in a graph: symmetric, without a diagonal, columns ascending, whose numbers are
/// distances (for Ward they are not read).
pub fn agglomerative_clustering_fit_graph(
    X: MatRef<'_, f64>,
    graph: CsrRef<'_, f64>,
    params: &AgglomerativeGraphParams,
    control: &Control,
) -> Result<Dendrogram> {
    let n = X.n_rows();
    if graph.n_rows() != n || graph.n_cols() != n || n < 2 || params.n_merges >= n {
        return Err(Error::data("a graph of all rows, and fewer merges than rows, are needed"));
    }
    let (children, heights) = match params.linkage {
        Linkage::Ward => merge_ward(X, graph, params.n_merges, control)?,
        Linkage::Complete | Linkage::Average | Linkage::Weighted => {
            merge_edges(graph, params, control)?
        }
        _ => {
            let message = "must be ward, complete, average or weighted on a graph";
            return Err(Error::parameter("linkage", message));
        }
    };
    if heights.len() < params.n_merges {
        return Err(Error::data(
            "the graph falls apart: fewer clusters could merge than asked for",
        ));
    }
    Ok(Dendrogram { children, heights })
}

/// Sums of the rows of each node.
struct Moments {
    sizes: Vec<f64>,
    sums: Vec<f64>,
    d: usize,
}

impl Moments {
    /// Growth of the sum of squares if two nodes merge.
    fn growth(&self, one: usize, other: usize) -> f64 {
        let (size, added) = (self.sizes[one], self.sizes[other]);
        let (a, b) = (&self.sums[one * self.d..][..self.d], &self.sums[other * self.d..][..self.d]);
        let mut sum = 0.0;
        for (a, b) in a.iter().zip(b) {
            let difference = a / size - b / added;
            sum += difference * difference;
        }
        sum * ((size * added) / (size + added))
    }
}

fn merge_ward(
    X: MatRef<'_, f64>,
    graph: CsrRef<'_, f64>,
    n_merges: usize,
    control: &Control,
) -> Result<(Vec<i64>, Vec<f64>)> {
    let (n, d) = (X.n_rows(), X.n_cols());
    let mut moments = Moments { sizes: vec![1.0; n], sums: Vec::with_capacity(2 * n * d), d };
    for i in 0..n {
        moments.sums.extend((0..d).map(|j| X.get(i, j)));
    }
    // 1. The edges below the diagonal.
    let mut edges = Vec::new();
    let mut neighbours: Vec<Vec<u32>> = Vec::with_capacity(n + n_merges);
    for i in 0..n {
        control.check()?;
        let (columns, _) = graph.row(i);
        neighbours.push(columns.iter().map(|&j| j as u32).collect());
        for &j in columns.iter().filter(|&&j| (j as usize) < i) {
            let distance = moments.growth(i, j as usize);
            edges.push(Edge { distance, one: i as u32, other: j as u32 });
        }
    }
    let mut heap = Heap::heapify(edges, ward_less);
    let mut root: Vec<u32> = (0..n as u32).collect();
    let mut is_there = vec![true; n];
    let mut seen_by = vec![u32::MAX; n];
    let (mut children, mut heights) = (Vec::new(), Vec::new());
    while heights.len() < n_merges {
        // 2. The shortest edge whose clusters are there.
        control.check()?;
        let Some(edge) = heap.pop(ward_less) else { break };
        let (one, other) = (edge.one as usize, edge.other as usize);
        if !(is_there[one] && is_there[other]) {
            continue;
        }
        let node = n + heights.len();
        children.extend([i64::from(edge.other), i64::from(edge.one)]);
        heights.push((2.0 * edge.distance).sqrt());
        // 3. Their union.
        (is_there[one], is_there[other]) = (false, false);
        is_there.push(true);
        (root[one], root[other]) = (node as u32, node as u32);
        root.push(node as u32);
        moments.sizes.push(moments.sizes[one] + moments.sizes[other]);
        for j in 0..d {
            moments.sums.push(moments.sums[one * d + j] + moments.sums[other * d + j]);
        }
        // 4. The union's edges.
        seen_by.push(node as u32);
        let mut around = Vec::new();
        for part in [one, other] {
            for neighbour in std::mem::take(&mut neighbours[part]) {
                let neighbour = find(&mut root, neighbour);
                if seen_by[neighbour as usize] != node as u32 {
                    seen_by[neighbour as usize] = node as u32;
                    around.push(neighbour);
                }
            }
        }
        for &neighbour in &around {
            neighbours[neighbour as usize].push(node as u32);
            let distance = moments.growth(node, neighbour as usize);
            heap.push(Edge { distance, one: node as u32, other: neighbour }, ward_less);
        }
        neighbours.push(around);
    }
    Ok((children, heights))
}

fn merge_edges(
    graph: CsrRef<'_, f64>,
    params: &AgglomerativeGraphParams,
    control: &Control,
) -> Result<(Vec<i64>, Vec<f64>)> {
    let n = graph.n_rows();
    // 1. The edges below the diagonal, and the neighbours of each cluster, ascending.
    let (mut edges, mut around) = (Vec::new(), Vec::<Vec<(u32, f64)>>::new());
    for i in 0..n {
        control.check()?;
        let (columns, distances) = graph.row(i);
        let pairs = columns.iter().map(|&j| j as u32).zip(distances.iter().copied());
        around.push(pairs.collect());
        for &(j, distance) in &around[i] {
            if (j as usize) < i {
                edges.push(Edge { distance, one: i as u32, other: j });
            }
        }
    }
    let mut heap = Heap::heapify(edges, less);
    let mut sizes = vec![1.0_f64; n];
    let (mut children, mut heights) = (Vec::new(), Vec::new());
    while heights.len() < params.n_merges {
        // 2. The shortest edge whose clusters are there.
        control.check()?;
        let Some(edge) = heap.pop(less) else { break };
        let (one, other) = (edge.one as usize, edge.other as usize);
        if sizes[one] == 0.0 || sizes[other] == 0.0 {
            continue;
        }
        let node = (n + heights.len()) as u32;
        children.extend([i64::from(edge.other), i64::from(edge.one)]);
        heights.push(edge.distance);
        // 3. Their union, and its edges: two ascending lists become one.
        let (size, added) = (sizes[one], sizes[other]);
        sizes.push(size + added);
        (sizes[one], sizes[other]) = (0.0, 0.0);
        let (a, b) = (std::mem::take(&mut around[one]), std::mem::take(&mut around[other]));
        let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
        let mut merged = Vec::new();
        loop {
            let (left, right) = (a.peek().copied(), b.peek().copied());
            let (neighbour, distance) = match (left, right) {
                (None, None) => break,
                (Some(left), Some(right)) if left.0 == right.0 => {
                    let joined = match params.linkage {
                        Linkage::Complete => left.1.max(right.1),
                        Linkage::Average => (size * left.1 + added * right.1) / (size + added),
                        _ => 0.5 * (left.1 + right.1),
                    };
                    (left.0, joined)
                }
                (Some(left), right) if right.is_none_or(|right| left.0 < right.0) => left,
                (left, right) => right.or(left).unwrap_or((0, 0.0)),
            };
            a.next_if(|&(other, _)| other == neighbour);
            b.next_if(|&(other, _)| other == neighbour);
            if sizes[neighbour as usize] > 0.0 {
                merged.push((neighbour, distance));
            }
        }
        for &(neighbour, distance) in &merged {
            around[neighbour as usize].push((node, distance));
            heap.push(Edge { distance, one: node, other: neighbour }, less);
        }
        around.push(merged);
    }
    Ok((children, heights))
}
