//! Connected components that several threads join at once.
//!
//! A forest of parents: every link leads to a smaller item, so the root of a component is its
//! smallest item whichever thread came first.

use std::sync::atomic::{AtomicU32, Ordering};

/// Components of items `0..n`, each alone at first.
pub(super) struct Components(Vec<AtomicU32>);

impl Components {
    pub(super) fn new(n: usize) -> Self {
        Self((0..n as u32).map(AtomicU32::new).collect())
    }

    /// Root of an item; halves the way there.
    #[inline(always)]
    pub(super) fn find(&self, item: u32) -> u32 {
        let mut item = item;
        loop {
            let parent = self.0[item as usize].load(Ordering::Relaxed);
            if parent == item {
                return item;
            }
            let above = self.0[parent as usize].load(Ordering::Relaxed);
            if above != parent {
                // Where another thread was faster its link is as good.
                let link = &self.0[item as usize];
                let _ = link.compare_exchange(parent, above, Ordering::Relaxed, Ordering::Relaxed);
            }
            item = above;
        }
    }

    /// Joins the components of two items.
    #[inline(always)]
    pub(super) fn unite(&self, one: u32, other: u32) {
        let (mut one, mut other) = (one, other);
        loop {
            (one, other) = (self.find(one), self.find(other));
            if one == other {
                return;
            }
            let (low, high) = (one.min(other), one.max(other));
            let link = &self.0[high as usize];
            if link.compare_exchange(high, low, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Components;

    #[test]
    fn roots_are_the_smallest_items_at_any_number_of_threads() {
        let components = Components::new(1000);
        std::thread::scope(|scope| {
            for part in 0..4_u32 {
                let components = &components;
                scope.spawn(move || {
                    for item in (part..993).step_by(4).collect::<Vec<_>>().into_iter().rev() {
                        components.unite(item + 7, item);
                    }
                });
            }
        });
        for item in 0..1000 {
            assert_eq!(components.find(item), item % 7);
        }
    }
}
