//! Transactions without their rare items, arranged for the search.
//!
//! Cost: a few readings of the entries, and the sorting of the items of each transaction.

use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::{Control, Error, Result};

/// Behind the last item of each transaction.
pub(super) const END: u32 = u32::MAX;

/// Most items of which all pairs are counted at once: 8 MB of counts.
const MOST_PAIRED: usize = 2048;
/// Parts in which pairs are counted.
const PAIR_PARTS: usize = 4;

/// Frequent items have ranks, the rarest 0; transactions are lists of ranks, each ascending.
pub(super) struct Database {
    /// Item of each rank.
    pub(super) items: Vec<i32>,
    /// Ranks of all transactions behind each other, each with an [`END`].
    pub(super) ranks: Vec<u32>,
    /// Where in `ranks` each item occurs, item by item.
    pub(super) places: Vec<u32>,
    /// The transaction of each place.
    pub(super) transactions: Vec<u32>,
    /// Where in `places` each item begins, and the end.
    pub(super) starts: Vec<usize>,
}

impl Database {
    /// Keeps the items that are in at least `min_count` transactions.
    ///
    /// The items of transaction t are `indices[indptr[t]..indptr[t + 1]]`, each once.
    pub(super) fn new(
        indptr: &[i64],
        indices: &[i32],
        n_items: usize,
        min_count: u64,
        control: &Control,
    ) -> Result<Self> {
        let n = indptr.len().saturating_sub(1);
        let ordered = indptr.windows(2).all(|pair| pair[0] <= pair[1]);
        let ends = (indptr.first(), indptr.last());
        if !ordered || ends != (Some(&0), Some(&(indices.len() as i64))) {
            return Err(Error::data("the transactions are damaged"));
        }
        if n >= END as usize || indices.len() + n >= END as usize {
            return Err(Error::data(format!(
                "{n} transactions with {} items in all are too many: up to 2^32 are possible",
                indices.len()
            )));
        }
        // How often each item occurs.
        let mut counts = vec![0_u64; n_items];
        for part in indices.chunks(1 << 20) {
            control.check()?;
            for &item in part {
                match usize::try_from(item).ok().and_then(|item| counts.get_mut(item)) {
                    Some(count) => *count += 1,
                    None => return Err(Error::data(format!("there is no item {item}"))),
                }
            }
        }
        let mut items: Vec<i32> = (0..n_items)
            .filter(|&item| counts[item] >= min_count)
            .map(|item| item as i32)
            .collect();
        items.sort_by_key(|&item| (counts[item as usize], item));
        let mut rank_of = vec![END; n_items];
        for (rank, &item) in items.iter().enumerate() {
            rank_of[item as usize] = rank as u32;
        }
        // Transactions as ascending ranks.
        let mean = indices.len() as f64 / n.max(1) as f64;
        let parts = map_chunks(n, chunk_size(n, 512), mean * 8.0, |_, range| {
            let mut ranks = Vec::with_capacity(range.len() * (mean as usize + 2));
            for t in range {
                if t % 1024 == 0 && control.check().is_err() {
                    break;
                }
                let start = ranks.len();
                let row = &indices[indptr[t] as usize..indptr[t + 1] as usize];
                ranks.extend(row.iter().map(|&i| rank_of[i as usize]).filter(|&rank| rank != END));
                ranks[start..].sort_unstable();
                ranks.push(END);
            }
            ranks
        });
        control.check()?;
        let ranks = parts.concat();
        let mut starts = vec![0; items.len() + 1];
        for (rank, &item) in items.iter().enumerate() {
            starts[rank + 1] = starts[rank] + counts[item as usize] as usize;
        }
        // Where each item occurs.
        let total = starts[items.len()];
        let (mut places, mut transactions) = (vec![0; total], vec![0; total]);
        let mut next = starts.clone();
        let mut transaction = 0;
        for (place, &rank) in ranks.iter().enumerate() {
            if rank == END {
                transaction += 1;
                if transaction % (1 << 16) == 0 {
                    control.check()?;
                }
                continue;
            }
            let Some(slot) = next.get_mut(rank as usize).filter(|slot| **slot < total) else {
                return Err(Error::data("a transaction names an item twice"));
            };
            places[*slot] = place as u32;
            transactions[*slot] = transaction;
            *slot += 1;
        }
        Ok(Self { items, ranks, places, transactions, starts })
    }

    /// Number of frequent items.
    pub(super) fn n_items(&self) -> usize {
        self.items.len()
    }

    /// Number of transactions that hold an item.
    pub(super) fn support(&self, rank: usize) -> usize {
        self.starts[rank + 1] - self.starts[rank]
    }

    /// For each transaction that holds the item, the ranks above it.
    #[inline(always)]
    pub(super) fn tails(&self, rank: usize) -> impl Iterator<Item = &[u32]> {
        self.places[self.starts[rank]..self.starts[rank + 1]]
            .iter()
            .map(|&place| &self.ranks[place as usize + 1..])
    }

    /// The transactions that hold the item.
    pub(super) fn transactions(&self, rank: usize) -> &[u32] {
        &self.transactions[self.starts[rank]..self.starts[rank + 1]]
    }
}

/// In how many transactions each pair of frequent items is.
pub(super) struct Pairs {
    n: usize,
    counts: Vec<u32>,
}

impl Pairs {
    /// Counts all pairs in one walk, unless there are too many; the transactions are read in order.
    pub(super) fn new(database: &Database, control: &Control) -> Option<Self> {
        let n = database.n_items();
        let size = n * n.saturating_sub(1) / 2;
        if n > MOST_PAIRED || size > database.ranks.len() {
            return None;
        }
        let ranks = &database.ranks;
        let chunk = ranks.len().div_ceil(PAIR_PARTS).max(1 << 12);
        let parts = map_chunks(ranks.len(), chunk, 10.0, |_, range| {
            let mut counts = vec![0_u32; size];
            for (step, place) in range.enumerate() {
                if step % (1 << 14) == 0 && control.check().is_err() {
                    break;
                }
                let rank = ranks[place];
                if rank == END {
                    continue;
                }
                let others = &mut counts[row_of(n, rank as usize)];
                for &other in ranks[place + 1..].iter().take_while(|&&other| other != END) {
                    others[(other - rank) as usize - 1] += 1;
                }
            }
            counts
        });
        let mut counts = vec![0; size];
        for part in &parts {
            counts.iter_mut().zip(part).for_each(|(count, part)| *count += part);
        }
        Some(Self { n, counts })
    }

    /// Counts of an item with each of higher rank.
    pub(super) fn with(&self, rank: usize) -> &[u32] {
        &self.counts[row_of(self.n, rank)]
    }
}

/// Where the pairs of a rank with all higher ones are, of n.
fn row_of(n: usize, rank: usize) -> std::ops::Range<usize> {
    let start = rank * (2 * n - rank - 1) / 2;
    start..start + n - rank - 1
}
