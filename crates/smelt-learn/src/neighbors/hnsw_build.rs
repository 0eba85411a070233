//! Building the graph: batches of nodes look for their neighbours in the graph as it is, all at the
//! same time, and are linked to them afterwards, in order.  So threads change nothing.
//!
//! Which links a node keeps (the heuristic of Malkov and Yashunin): going from the nearest on, those
//! that are nearer to the node than to any kept before.  A list that overflows is chosen anew by the
//! same rule.  Distances to the owner are kept beside the links, and pairs that have been compared
//! are not compared again, which saves most of the distances of building.

use smelt_core::lanes::{Simd, WithSimd, dispatch};
use smelt_core::parallel::{ScatteredRows, for_scattered_rows, map_chunks};
use smelt_core::{Control, Error, MatRef, Real, Result};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Mutex;

use super::hnsw::{Hnsw, HnswParams, LANES, NONE};
use super::hnsw_beam::{Layer, Near, Points, Walk};
use super::hnsw_points::{Packing, centre_and_scale, pack_nodes};

/// A batch is this share of the graph, and no larger than `BATCH`.
const SHARE: usize = 16;
const BATCH: usize = 512;
/// Nodes of a chunk.
const CHUNK: usize = 4;
/// Set in the bits of a distance whose link has not been compared with the others of its list.
const UNCHECKED: u32 = 1 << 31;

/// A link that a list shall take up; they sort by list, then by nearness.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    list: u32,
    near: Near,
}

/// A link of a list: whether it has been compared with all others that have been.
type Link = (Near, bool);

/// The lists of the lowest level, or of all others, while they are built.
struct Lists {
    links: Vec<u32>,
    /// Bits of the distances to the owner.
    distances: Vec<u32>,
    width: usize,
    requests: Vec<Request>,
}

impl Lists {
    fn new(n_lists: usize, width: usize) -> Self {
        let (links, distances) = (vec![NONE; n_lists * width], vec![0; n_lists * width]);
        Self { links, distances, width, requests: Vec::new() }
    }

    /// Writes the links of a new node and asks for those back.
    fn begin(&mut self, list: usize, node: u32, chosen: &[Near], list_of: impl Fn(u32) -> u32) {
        for (place, near) in (list * self.width..).zip(chosen) {
            self.links[place] = near.node();
            self.distances[place] = near.distance().to_bits();
            let back = Near::new(near.distance(), node);
            self.requests.push(Request { list: list_of(near.node()), near: back });
        }
    }

    /// Grants all requests.
    fn link_back(&mut self, points: Points<'_>, control: &Control) {
        self.requests.sort_unstable();
        let requests = &self.requests;
        let mut starts: Vec<u32> = (0..requests.len() as u32).collect();
        starts.retain(|&i| i == 0 || requests[i as usize].list != requests[i as usize - 1].list);
        let order: Vec<u32> = starts.iter().map(|&i| requests[i as usize].list).collect();
        starts.push(requests.len() as u32);
        let cost = 20.0 * points.stride as f64;
        let out = (self.links.as_mut_slice(), self.distances.as_mut_slice());
        for_scattered_rows(out, self.width, &order, 16, cost, |_, items, out| {
            if control.check().is_ok() {
                dispatch(Merge { points, requests, starts: &starts, items, out });
            }
        });
        self.requests.clear();
    }
}

/// Grants the requests of some lists.
struct Merge<'a> {
    points: Points<'a>,
    requests: &'a [Request],
    starts: &'a [u32],
    items: Range<usize>,
    out: ScatteredRows<'a, u32, u32>,
}

impl WithSimd for Merge<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (mut all, mut kept): (Vec<Link>, Vec<Link>) = (Vec::new(), Vec::new());
        for item in self.items {
            let more = &self.requests[self.starts[item] as usize..self.starts[item + 1] as usize];
            let (links, distances) = self.out.row(item);
            let used = links.iter().position(|&link| link == NONE).unwrap_or(links.len());
            if used + more.len() <= links.len() {
                for (place, request) in (used..).zip(more) {
                    links[place] = request.near.node();
                    distances[place] = request.near.distance().to_bits() | UNCHECKED;
                }
                continue;
            }
            all.clear();
            for (&link, &bits) in links[..used].iter().zip(distances.iter()) {
                let near = Near::new(f32::from_bits(bits & !UNCHECKED), link);
                all.push((near, bits & UNCHECKED == 0));
            }
            all.extend(more.iter().map(|request| (request.near, false)));
            all.sort_unstable();
            choose(simd, self.points, &all, links.len(), &mut kept);
            links.fill(NONE);
            for (place, (near, _)) in kept.iter().enumerate() {
                links[place] = near.node();
                distances[place] = near.distance().to_bits();
            }
        }
    }
}

/// Keeps those that are nearer to the owner than to any kept before, `most` at most.
#[inline(always)]
fn choose<S: Simd>(
    simd: S,
    points: Points<'_>,
    sorted: &[Link],
    most: usize,
    kept: &mut Vec<Link>,
) {
    kept.clear();
    for &(near, checked) in sorted {
        if kept.len() == most {
            break;
        }
        let row = points.row(near.node());
        let mut others = kept.iter().filter(|(_, other)| !(checked && *other));
        let is_kept = loop {
            let Some(&(other, _)) = others.next() else {
                break true;
            };
            let mut four = [other.node(); 4];
            for place in &mut four[1..] {
                if let Some((other, _)) = others.next() {
                    *place = other.node();
                }
            }
            let distances = points.four(simd, row, four);
            if distances.iter().any(|&distance| distance < near.distance()) {
                break false;
            }
        };
        if is_kept {
            kept.push((near, checked));
        }
    }
}

/// The graph while it is built.
struct Growing<'a> {
    points: Points<'a>,
    levels: &'a [u8],
    upper_starts: &'a [u32],
    lowest: Lists,
    upper: Lists,
    entry: u32,
    params: &'a HnswParams,
}

impl Growing<'_> {
    fn layer(&self, level: usize) -> Layer<'_> {
        match level {
            0 => Layer { links: &self.lowest.links, width: self.lowest.width, above: None },
            _ => Layer {
                links: &self.upper.links,
                width: self.upper.width,
                above: Some((self.upper_starts, level - 1)),
            },
        }
    }
}

/// Finds the neighbours of some new nodes, for each of its levels from the lowest on.
struct Search<'a> {
    graph: &'a Growing<'a>,
    nodes: Range<usize>,
    walk: &'a mut Walk,
    control: &'a Control,
}

impl WithSimd for Search<'_> {
    type Output = Vec<Vec<Near>>;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Vec<Near>> {
        let (graph, walk) = (self.graph, self.walk);
        let (points, params) = (graph.points, graph.params);
        let top = usize::from(graph.levels[graph.entry as usize]);
        let mut found = Vec::new();
        let mut kept = Vec::new();
        let mut sorted: Vec<Link> = Vec::new();
        for node in self.nodes {
            if self.control.check().is_err() {
                break;
            }
            let query = points.row(node as u32);
            let level = usize::from(graph.levels[node]);
            let mut from = graph.entry;
            let first = found.len();
            found.resize(first + level + 1, Vec::new());
            for layer in (0..=top).rev() {
                let ef = if layer > level { 1 } else { params.ef_construction };
                walk.beam(simd, points, graph.layer(layer), query, from, ef);
                from = walk.nearest.first().map_or(from, |near| near.node());
                if layer <= level {
                    sorted.clear();
                    sorted.extend(walk.nearest.iter().map(|&near| (near.unmarked(), false)));
                    choose(simd, points, &sorted, params.M, &mut kept);
                    found[first + layer] = kept.iter().map(|link| link.0).collect();
                }
            }
        }
        found
    }
}

/// Builds the graph over the rows of X, which come in the given order, each with its highest level.
pub fn hnsw_fit<T: Real>(
    X: MatRef<'_, T>,
    order: &[u32],
    levels: &[u8],
    params: &HnswParams,
    control: &Control,
) -> Result<Hnsw<'static>> {
    let (n, d) = (X.n_rows(), X.n_cols());
    params.check()?;
    if n == 0 || d == 0 || n >= NONE as usize / 2 {
        return Err(Error::data(format!(
            "a graph needs rows (2^31 at most) and columns, got {n} x {d}"
        )));
    }
    let mut seen = vec![false; n];
    let is_new =
        |&row: &u32| seen.get_mut(row as usize).is_some_and(|seen| !std::mem::replace(seen, true));
    if order.len() != n || levels.len() != n || !order.iter().all(is_new) {
        return Err(Error::data("the order of the rows or their levels do not fit the rows"));
    }
    // 1. Rows as float32, equal ones as one node.
    let (centre, scale) = centre_and_scale(X, order, params.metric, control)?;
    let packing = Packing { metric: params.metric, centre: &centre, scale };
    let nodes = pack_nodes(X, order, &packing, control)?;
    let n_nodes = nodes.starts.len() - 1;
    let points = Points { values: &nodes.points, stride: d.next_multiple_of(LANES) };
    let levels: Vec<u8> = levels[..n_nodes].iter().map(|&level| level.min(31)).collect();
    let mut upper_starts = Vec::with_capacity(n_nodes + 1);
    upper_starts.push(0_u32);
    let mut n_upper = 0_u32;
    for &level in &levels {
        n_upper = n_upper
            .checked_add(u32::from(level))
            .ok_or_else(|| Error::data("the levels hold more than 2^32 lists"))?;
        upper_starts.push(n_upper);
    }
    let mut graph = Growing {
        points,
        levels: &levels,
        upper_starts: &upper_starts,
        lowest: Lists::new(n_nodes, 2 * params.M),
        upper: Lists::new(n_upper as usize, params.M),
        entry: 0,
        params,
    };
    let walks: Mutex<Vec<Walk>> = Mutex::new(Vec::new());
    control.set_total(n_nodes as u64);
    let mut done = 1;
    while done < n_nodes {
        let batch = (done / SHARE).clamp(1, BATCH).min(n_nodes - done);
        // 2. Every node of the batch finds its neighbours in the graph as it is.
        let cost = 2.0 * (params.ef_construction * params.M * (d + 16)) as f64 / 8.0;
        let found = map_chunks(batch, CHUNK, cost, |_, range| {
            let kept = walks.lock().ok().and_then(|mut walks| walks.pop());
            let mut walk = kept.unwrap_or_else(|| Walk::new(n_nodes));
            let nodes = done + range.start..done + range.end;
            let found = dispatch(Search { graph: &graph, nodes, walk: &mut walk, control });
            if let Ok(mut walks) = walks.lock() {
                walks.push(walk);
            }
            found
        });
        control.check()?;
        // 3. It is linked to them, and they to it.
        let mut node = done;
        let mut level = 0;
        for chosen in found.iter().flatten() {
            let name = node as u32;
            if level == 0 {
                graph.lowest.begin(node, name, chosen, |other| other);
            } else {
                let list = |other: u32| upper_starts[other as usize] + level - 1;
                graph.upper.begin(list(name) as usize, name, chosen, list);
            }
            level += 1;
            if level > u32::from(levels[node]) {
                (node, level) = (node + 1, 0);
            }
        }
        graph.lowest.link_back(points, control);
        graph.upper.link_back(points, control);
        control.check()?;
        // 4. The highest node is where searches begin.
        for node in done..done + batch {
            if levels[node] > levels[graph.entry as usize] {
                graph.entry = node as u32;
            }
        }
        done += batch;
        control.advance(batch as u64);
    }
    let entry = (graph.entry, u32::from(levels[graph.entry as usize]));
    let (links, upper) = (graph.lowest.links, graph.upper.links);
    Ok(Hnsw {
        params: params.clone(),
        n_samples: n,
        n_features: d,
        entry,
        centre: Cow::Owned(centre),
        scale,
        starts: Cow::Owned(nodes.starts),
        ids: Cow::Owned(nodes.ids),
        links: Cow::Owned(links),
        upper_starts: Cow::Owned(upper_starts),
        upper: Cow::Owned(upper),
        points: Cow::Owned(nodes.points),
    })
}
