//! Item sets of at least some support, by the transactions that hold them (Eclat).
//!
//! Cost: a walk over the pairs of each transaction, and for each item one, Σ length² / 2 steps
//! each; then one AND and a count of bits, a word for 64 transactions of the first item, for each
//! pair of sets with a common prefix.  A bit string covers the transactions of its first item alone,
//! and loses the words that its prefix leaves empty.
//!
//! Twin: `python/smelt/plain/association/eclat.py`.
//!
//! 1. Count items; keep the frequent ones, the rarest first.
//! 2. For each item the class of its extensions: later items frequent together with it.
//! 3. Depth first: join sets of a class, keep what is frequent, the class of the next prefix.
//! 4. Closed: of the sets in the same transactions the largest.  Maximal: those without a superset.
//! 5. Order by length, then by items.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use smelt_core::parallel::map_chunks;
use smelt_core::{Control, Error, Result};

use super::database::{Database, Pairs};
use super::eclat_class::{Class, Search, scrambled};
use super::select::{closed, maximal};

/// Bytes of bits of classes that are searched together.
const BATCH_BYTES: usize = 64 << 20;
/// Bytes of a set without its items, and of an item: those of a frozenset and a row of a frame.
const SET_BYTES: usize = 300;
const ITEM_BYTES: usize = 50;
/// Items whose classes are made together.
const BATCH_ITEMS: usize = 256;

/// Which of the frequent sets are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All of them.
    All,
    /// Those that no superset equals in support.
    Closed,
    /// Those without a frequent superset.
    Maximal,
}

/// Parameters of [`eclat_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EclatParams {
    /// Least number of transactions, at least 1.
    pub min_count: u64,
    /// Most items of a set; None is no bound.
    pub max_len: Option<usize>,
    /// Which sets.
    pub kind: Kind,
    /// Bytes that there is room for, Python's objects included.
    pub max_bytes: usize,
}

/// Sets of items behind each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itemsets {
    /// Set i is `items[indptr[i]..indptr[i + 1]]`.
    pub indptr: Vec<i64>,
    /// Items, ascending within a set.
    pub items: Vec<i32>,
    /// Transactions that hold each set.
    pub support: Vec<i64>,
}

/// Sets as ranks, as they are found.
#[derive(Debug, Default, Clone)]
pub(super) struct Found {
    pub(super) ends: Vec<usize>,
    pub(super) ranks: Vec<u32>,
    pub(super) support: Vec<u32>,
    pub(super) fingerprints: Vec<u128>,
}

impl Found {
    pub(super) fn push(&mut self, ranks: &[u32], support: u32, fingerprint: u128) {
        self.ranks.extend_from_slice(ranks);
        self.ends.push(self.ranks.len());
        self.support.push(support);
        self.fingerprints.push(fingerprint);
    }

    pub(super) fn n_sets(&self) -> usize {
        self.ends.len()
    }

    /// Room that the sets will take, as Python's objects too.
    pub(super) fn bytes(&self) -> usize {
        self.ends.len() * SET_BYTES + self.ranks.len() * ITEM_BYTES
    }

    pub(super) fn set(&self, i: usize) -> &[u32] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.ranks[start..self.ends[i]]
    }

    fn append(&mut self, other: &Self) {
        let start = self.ranks.len();
        self.ranks.extend_from_slice(&other.ranks);
        self.ends.extend(other.ends.iter().map(|end| start + end));
        self.support.extend_from_slice(&other.support);
        self.fingerprints.extend_from_slice(&other.fingerprints);
    }
}

/// Finds the sets of items of transactions `indices[indptr[t]..indptr[t + 1]]`, each item below
/// `n_items` and once in a transaction.
pub fn eclat_fit(
    indptr: &[i64],
    indices: &[i32],
    n_items: usize,
    params: &EclatParams,
    control: &Control,
) -> Result<Itemsets> {
    if params.min_count == 0 {
        return Err(Error::parameter("min_count", "must be at least 1, got 0"));
    }
    // 1.
    let database = Database::new(indptr, indices, n_items, params.min_count, control)?;
    let min_count = u32::try_from(params.min_count).unwrap_or(u32::MAX);
    let max_len = match params.kind {
        Kind::All => params.max_len.unwrap_or(usize::MAX),
        Kind::Closed | Kind::Maximal => usize::MAX, // longer sets say which shorter ones are meant
    };
    let pairs = if max_len > 1 { Pairs::new(&database, control) } else { None };
    control.check()?;
    let n_bytes = AtomicUsize::new(0);
    let is_full = |more: usize| n_bytes.load(Ordering::Relaxed) + more > params.max_bytes;
    let mut found = Found::default();
    let n = if max_len == 0 { 0 } else { database.n_items() };
    let mut start = 0;
    while start < n {
        // 2. Classes of some items, as many as there is room for.
        let mut room = BATCH_BYTES;
        let mut stop = start;
        while stop < n && stop - start < BATCH_ITEMS {
            let most = database.support(stop).div_ceil(8) * (n - stop - 1);
            if stop > start && most > room {
                break;
            }
            // Most extensions turn out rare: the rest of the room is not used up by a bound.
            room = room.saturating_sub(most / 8);
            stop += 1;
        }
        let cost = 20.0 * indices.len() as f64 / n as f64 + 1000.0;
        let classes = map_chunks(stop - start, 1, cost, |index, _| {
            let stops = control.check().is_err() || max_len == 1;
            (!stops).then(|| Class::of_item(&database, pairs.as_ref(), start + index, min_count))
        });
        control.check()?;
        // The sets of one item, and what is to be searched: an item and one of its extensions.
        let mut tasks = Vec::new();
        for (index, class) in classes.iter().enumerate() {
            let rank = start + index;
            let support = database.support(rank) as u32;
            let mut set = vec![rank as u32];
            let mut extensions = 0..0;
            if let Some(class) = class {
                extensions = 0..class.len();
                if params.kind != Kind::All {
                    set.extend(class.perfect(support));
                }
            }
            let lonely = extensions.len() + 1 == set.len();
            if params.kind != Kind::Maximal || lonely {
                let held = database.transactions(rank).iter();
                let fingerprint = match params.kind {
                    Kind::All => 0,
                    _ => held.fold(0_u128, |sum, &t| sum.wrapping_add(scrambled(t))),
                };
                found.push(&set, support, fingerprint);
            }
            tasks.extend(extensions.map(|extension| (index, extension)));
        }
        let bytes: usize = classes.iter().flatten().map(Class::bytes).sum();
        let cost = 500.0 + bytes as f64 / tasks.len().max(1) as f64;
        n_bytes.store(found.bytes(), Ordering::Relaxed);
        // 3.
        let parts = map_chunks(tasks.len(), 1, cost, |task, _| {
            let mut out = Found::default();
            let (index, extension) = tasks[task];
            if let Some(class) = &classes[index] {
                let rank = start + index;
                let search = Search {
                    min_count,
                    max_len,
                    kind: params.kind,
                    transactions: database.transactions(rank),
                    control,
                    is_full: &is_full,
                };
                let mut prefix = vec![rank as u32];
                class.search(extension, &mut prefix, &search, &mut out);
                n_bytes.fetch_add(out.bytes(), Ordering::Relaxed);
            }
            out
        });
        control.check()?;
        if is_full(0) {
            return Err(Error::data(format!(
                "there are more item sets than the {:.1} GB of free memory have room for; raise \
                 min_support, set max_len, or ask for closed or maximal sets",
                params.max_bytes as f64 * 1e-9
            )));
        }
        parts.iter().for_each(|part| found.append(part));
        start = stop;
    }
    // 4.
    let order: Vec<usize> = match params.kind {
        Kind::All => (0..found.n_sets()).collect(),
        Kind::Closed => closed(&found),
        Kind::Maximal => maximal(&found, database.n_items(), control)?,
    };
    let most = params.max_len.unwrap_or(usize::MAX);
    let wanted = order.into_iter().filter(|&i| found.set(i).len() <= most);
    // 5.
    Ok(ordered(&found, wanted.collect(), &database))
}

/// Step 5: items instead of ranks, sets by length and then by items.
fn ordered(found: &Found, wanted: Vec<usize>, database: &Database) -> Itemsets {
    let mut starts = Vec::with_capacity(wanted.len());
    let mut all = Vec::new();
    for &i in &wanted {
        let start = all.len();
        all.extend(found.set(i).iter().map(|&rank| database.items[rank as usize]));
        all[start..].sort_unstable();
        starts.push((start, all.len(), found.support[i]));
    }
    starts.sort_unstable_by(|a, b| {
        (a.1 - a.0).cmp(&(b.1 - b.0)).then_with(|| all[a.0..a.1].cmp(&all[b.0..b.1]))
    });
    let mut out =
        Itemsets { indptr: vec![0], items: Vec::with_capacity(all.len()), support: vec![] };
    for (start, stop, support) in starts {
        out.items.extend_from_slice(&all[start..stop]);
        out.indptr.push(out.items.len() as i64);
        out.support.push(i64::from(support));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{EclatParams, Kind, eclat_fit};
    use smelt_core::Control;

    fn sets(kind: Kind, min_count: u64, max_len: Option<usize>) -> Vec<(Vec<i32>, i64)> {
        // abc, abc, ab, d, (empty), bd
        let indptr = [0, 3, 6, 8, 9, 9, 11];
        let indices = [0, 1, 2, 2, 1, 0, 1, 0, 3, 3, 1];
        let params = EclatParams { min_count, max_len, kind, max_bytes: 100_000 };
        let found = eclat_fit(&indptr, &indices, 4, &params, &Control::new()).unwrap();
        let pairs = found.indptr.windows(2).zip(&found.support);
        pairs.map(|(p, &s)| (found.items[p[0] as usize..p[1] as usize].to_vec(), s)).collect()
    }

    #[test]
    fn all_closed_and_maximal_sets() {
        let all = sets(Kind::All, 2, None);
        assert_eq!(all.len(), 8);
        assert_eq!(all[0], (vec![0], 3));
        assert_eq!(all[7], (vec![0, 1, 2], 2));
        let expected = [(vec![1], 4), (vec![3], 2), (vec![0, 1], 3), (vec![0, 1, 2], 2)];
        assert_eq!(sets(Kind::Closed, 2, None), expected);
        assert_eq!(sets(Kind::Maximal, 2, None), [(vec![3], 2), (vec![0, 1, 2], 2)]);
        assert_eq!(sets(Kind::All, 2, Some(1)).len(), 4);
        assert_eq!(sets(Kind::All, 1, None).len(), 9);
        assert!(sets(Kind::All, 7, None).is_empty());
    }

    #[test]
    fn too_many_sets_are_refused() {
        let indices: Vec<i32> = (0..40).chain(0..40).collect();
        let params =
            EclatParams { min_count: 2, max_len: None, kind: Kind::All, max_bytes: 1_000_000 };
        let found = eclat_fit(&[0, 40, 80], &indices, 40, &params, &Control::new());
        assert!(found.unwrap_err().to_string().contains("more item sets than the 0.0 GB"));
        let params = EclatParams { kind: Kind::Closed, ..params };
        let found = eclat_fit(&[0, 40, 80], &indices, 40, &params, &Control::new()).unwrap();
        assert_eq!(found.support, [2]);
    }
}
