//! Which of the sets that were found are closed, or maximal.

use std::cmp::Reverse;

use smelt_core::{Control, Result};

use super::eclat::Found;

/// Of the sets with one fingerprint, which lie in the same transactions, the largest.
pub(super) fn closed(found: &Found) -> Vec<usize> {
    let mut order: Vec<usize> = (0..found.n_sets()).collect();
    let key = |i: usize| (found.fingerprints[i], found.support[i], Reverse(found.set(i).len()), i);
    order.sort_unstable_by_key(|&i| key(i));
    order.dedup_by_key(|i| (found.fingerprints[*i], found.support[*i]));
    order
}

/// The sets that no other one contains.
pub(super) fn maximal(found: &Found, n_items: usize, control: &Control) -> Result<Vec<usize>> {
    let mut order = closed(found);
    order.sort_unstable_by_key(|&i| (Reverse(found.set(i).len()), i));
    // For each item, which of the kept sets hold it.
    let mut holders: Vec<Vec<u64>> = vec![Vec::new(); n_items];
    let mut kept = Vec::new();
    for (step, i) in order.into_iter().enumerate() {
        if step % 64 == 0 {
            control.check()?;
        }
        let set = found.set(i);
        let shortest = set.iter().map(|&rank| holders[rank as usize].len()).min().unwrap_or(0);
        let is_held = (0..shortest).any(|word| {
            set.iter().fold(u64::MAX, |bits, &rank| bits & holders[rank as usize][word]) != 0
        });
        if is_held {
            continue;
        }
        let place = kept.len();
        for &rank in set {
            let holder = &mut holders[rank as usize];
            holder.resize((place / 64 + 1).max(holder.len()), 0);
            holder[place / 64] |= 1 << (place % 64);
        }
        kept.push(i);
    }
    Ok(kept)
}
