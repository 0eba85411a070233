//! Sets that share a prefix: their transactions as bits, and the search below them.

use smelt_core::Control;
use smelt_core::simd::vectorize;

use super::database::{Database, END, Pairs};
use super::eclat::{Found, Kind};

/// Share of words with a bit, out of four, up to which the others are left out.
const KEPT_OF_FOUR: usize = 3;

/// Extensions of a prefix: ranks, and the transactions of the prefix that hold each as bits.
pub(super) struct Class {
    /// Ranks of the extensions.
    ranks: Vec<u32>,
    /// Number of transactions of each.
    support: Vec<u32>,
    /// `n_words` words each.
    bits: Vec<u64>,
    n_words: usize,
    /// Which words of the first item's bits these are.
    words: Vec<u32>,
}

/// What the search below one item needs.
pub(super) struct Search<'a> {
    pub(super) min_count: u32,
    pub(super) max_len: usize,
    pub(super) kind: Kind,
    /// Transactions of the first item.
    pub(super) transactions: &'a [u32],
    pub(super) control: &'a Control,
    /// Whether more sets would take more room than there is.
    pub(super) is_full: &'a (dyn Fn(usize) -> bool + Sync),
}

impl Class {
    /// The class of one item: extensions of higher rank that are frequent together with it.
    pub(super) fn of_item(
        database: &Database,
        pairs: Option<&Pairs>,
        rank: usize,
        min_count: u32,
    ) -> Self {
        let n = database.n_items();
        let mut counts = vec![0_u32; n];
        match pairs {
            Some(pairs) => counts[rank + 1..].copy_from_slice(pairs.with(rank)),
            None => {
                for tail in database.tails(rank) {
                    for &other in tail.iter().take_while(|&&other| other != END) {
                        counts[other as usize] += 1;
                    }
                }
            }
        }
        let mut ranks: Vec<u32> =
            (rank + 1..n).filter(|&b| counts[b] >= min_count).map(|b| b as u32).collect();
        ranks.sort_by_key(|&b| (counts[b as usize], b));
        let n_words = database.support(rank).div_ceil(64);
        let support: Vec<u32> = ranks.iter().map(|&b| counts[b as usize]).collect();
        // Rare items get a place too, which is given up: a question at each would take longer.
        counts.fill(ranks.len() as u32);
        for (local, &b) in ranks.iter().enumerate() {
            counts[b as usize] = local as u32;
        }
        let mut bits = Vec::new();
        if !ranks.is_empty() {
            bits.resize((ranks.len() + 1) * n_words, 0);
            for (t, tail) in database.tails(rank).enumerate() {
                let (word, bit) = (t / 64, 1 << (t % 64));
                for &other in tail.iter().take_while(|&&other| other != END) {
                    bits[counts[other as usize] as usize * n_words + word] |= bit;
                }
            }
            bits.truncate(ranks.len() * n_words);
        }
        Self { ranks, support, bits, n_words, words: (0..n_words as u32).collect() }
    }

    /// Number of extensions.
    pub(super) fn len(&self) -> usize {
        self.ranks.len()
    }

    /// Bytes of the bits.
    pub(super) fn bytes(&self) -> usize {
        self.bits.len() * 8
    }

    /// Extensions that every transaction of the prefix holds, `support` of them.
    pub(super) fn perfect(&self, support: u32) -> impl Iterator<Item = u32> {
        let all = self.ranks.iter().zip(&self.support);
        all.filter(move |(_, found)| **found == support).map(|(&rank, _)| rank)
    }

    fn bits_of(&self, i: usize) -> &[u64] {
        &self.bits[i * self.n_words..(i + 1) * self.n_words]
    }

    /// Takes the extensions that every transaction of the prefix holds out of the class.
    fn without_perfect(&mut self, support: u32) {
        let kept: Vec<usize> = (0..self.len()).filter(|&i| self.support[i] != support).collect();
        if kept.len() == self.len() {
            return;
        }
        let bits = kept.iter().flat_map(|&i| self.bits_of(i).iter().copied()).collect();
        self.bits = bits;
        self.ranks = kept.iter().map(|&i| self.ranks[i]).collect();
        self.support = kept.iter().map(|&i| self.support[i]).collect();
    }

    /// The class of prefix and extension `i`: later extensions that are frequent together with it.
    fn child(&self, i: usize, min_count: u32) -> Self {
        let own = self.bits_of(i);
        let held: Vec<u32> =
            (0..self.n_words as u32).filter(|&word| own[word as usize] != 0).collect();
        let is_narrow = held.len() * 4 <= self.n_words * KEPT_OF_FOUR;
        let mut found: Vec<(u32, usize)> = Vec::new();
        for j in i + 1..self.len() {
            let other = self.bits_of(j);
            let count = if is_narrow {
                let words = held.iter().map(|&word| own[word as usize] & other[word as usize]);
                words.map(u64::count_ones).sum()
            } else {
                common(own, other)
            };
            if count >= min_count {
                found.push((count, j));
            }
        }
        found.sort_unstable_by_key(|&(count, j)| (count, self.ranks[j]));
        let mut bits = Vec::with_capacity(found.len() * held.len());
        for &(_, j) in &found {
            let other = self.bits_of(j);
            if is_narrow {
                bits.extend(held.iter().map(|&word| own[word as usize] & other[word as usize]));
            } else {
                bits.extend(own.iter().zip(other).map(|(a, b)| a & b));
            }
        }
        Self {
            ranks: found.iter().map(|&(_, j)| self.ranks[j]).collect(),
            support: found.iter().map(|&(count, _)| count).collect(),
            bits,
            n_words: if is_narrow { held.len() } else { self.n_words },
            words: if is_narrow {
                held.iter().map(|&word| self.words[word as usize]).collect()
            } else {
                self.words.clone()
            },
        }
    }

    /// Writes the set of `prefix` and extension `i`, and all below it.
    pub(super) fn search(
        &self,
        i: usize,
        prefix: &mut Vec<u32>,
        search: &Search<'_>,
        out: &mut Found,
    ) {
        if search.control.check().is_err() || (search.is_full)(out.bytes()) {
            return;
        }
        let before = prefix.len();
        let support = self.support[i];
        prefix.push(self.ranks[i]);
        if search.kind == Kind::All {
            out.push(prefix, support, 0);
            if prefix.len() < search.max_len && i + 1 < self.len() {
                let child = self.child(i, search.min_count);
                for next in 0..child.len() {
                    child.search(next, prefix, search, out);
                }
            }
        } else {
            let mut child = self.child(i, search.min_count);
            prefix.extend(child.perfect(support));
            child.without_perfect(support);
            if search.kind == Kind::Closed || child.len() == 0 {
                out.push(prefix, support, self.fingerprint(i, search.transactions));
            }
            for next in 0..child.len() {
                child.search(next, prefix, search, out);
            }
        }
        prefix.truncate(before);
    }

    /// A number that sets in the same transactions share, and others but for chance do not.
    fn fingerprint(&self, i: usize, transactions: &[u32]) -> u128 {
        let mut sum = 0_u128;
        for (&word, &place) in self.bits_of(i).iter().zip(&self.words) {
            let mut left = word;
            while left != 0 {
                let t = place as usize * 64 + left.trailing_zeros() as usize;
                sum = sum.wrapping_add(scrambled(transactions[t]));
                left &= left - 1;
            }
        }
        sum
    }
}

/// 128 bits that look drawn at random (splitmix64, twice).
pub(super) fn scrambled(transaction: u32) -> u128 {
    let mix = |seed: u64| {
        let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let seed = u64::from(transaction);
    (u128::from(mix(2 * seed + 1)) << 64) | u128::from(mix(2 * seed + 2))
}

/// Number of bits that both have.
fn common(a: &[u64], b: &[u64]) -> u32 {
    vectorize(
        #[inline(always)]
        || a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum(),
    )
}
