//! The k closest rows seen so far, by distance and then by row, so that ties have one answer.

use super::tree::LANES;
use super::walk::Search;

/// Lists up to this length are kept in order; longer ones are cut back now and then.
const SHORT: usize = 128;

/// The k closest of the rows seen.
#[derive(Debug)]
pub(crate) struct Closest {
    k: usize,
    /// Row that does not count: the query's own.
    own: u32,
    list: Vec<(f64, u32)>,
    /// What a row must come before, and rows in the list that count.
    worst: (f64, u32),
}

#[inline(always)]
fn comes_before(a: (f64, u32), b: (f64, u32)) -> bool {
    a.0 < b.0 || (a.0 == b.0 && a.1 < b.1)
}

impl Closest {
    pub(crate) fn new(k: usize) -> Self {
        let room = if k <= SHORT { k } else { 2 * k };
        let mut out = Self { k, own: u32::MAX, list: Vec::with_capacity(room), worst: (0.0, 0) };
        out.start(u32::MAX);
        out
    }

    /// Forgets all rows; `own` never counts.
    #[inline(always)]
    pub(crate) fn start(&mut self, own: u32) {
        self.own = own;
        self.worst = (f64::INFINITY, u32::MAX);
        self.list.clear();
        if self.k <= SHORT {
            self.list.resize(self.k, self.worst);
        }
    }

    #[inline(always)]
    pub(crate) fn offer(&mut self, distance: f64, row: u32) {
        let found = (distance, row);
        if !comes_before(found, self.worst) || row == self.own {
            return;
        }
        if self.k <= SHORT {
            let mut at = self.k - 1;
            while at > 0 && comes_before(found, self.list[at - 1]) {
                self.list[at] = self.list[at - 1];
                at -= 1;
            }
            self.list[at] = found;
            self.worst = self.list[self.k - 1];
        } else {
            self.list.push(found);
            if self.list.len() == 2 * self.k {
                self.cut_back();
            }
        }
    }

    #[inline(never)]
    fn cut_back(&mut self) {
        let k = self.k;
        if self.list.len() > k {
            self.list.select_nth_unstable_by(k - 1, order);
            self.list.truncate(k);
            self.worst = self.list[k - 1];
        }
    }

    /// Writes distances and rows, nearest first.
    #[inline(always)]
    pub(crate) fn write(
        &mut self,
        distance: impl Fn(f64) -> f64,
        distances: &mut [f64],
        rows: &mut [i64],
    ) {
        if self.k > SHORT {
            self.cut_back();
            self.list.sort_unstable_by(order);
        }
        for ((out, row), &(reduced, id)) in distances.iter_mut().zip(rows).zip(&self.list) {
            (*out, *row) = (distance(reduced), i64::from(id));
        }
    }
}

fn order(a: &(f64, u32), b: &(f64, u32)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

impl Search for Closest {
    #[inline(always)]
    fn limit(&self) -> f64 {
        self.worst.0
    }
    #[inline(always)]
    fn is_full_from(&self, least: u32) -> bool {
        least >= self.worst.1
    }
    #[inline(always)]
    fn see(&mut self, distances: &[f64; LANES], ids: &[u32; LANES]) {
        let mut near = places_within(distances, self.worst.0);
        while near != 0 {
            let lane = near.trailing_zeros() as usize % LANES;
            self.offer(distances[lane], ids[lane]);
            near &= near - 1;
        }
    }
}

/// Bits of the distances up to a limit.
#[inline(always)]
pub(crate) fn places_within(distances: &[f64; LANES], limit: f64) -> u32 {
    let mut near = 0;
    for (lane, &distance) in distances.iter().enumerate() {
        near |= u32::from(distance <= limit) << lane;
    }
    near
}

#[cfg(test)]
mod tests {
    use super::Closest;

    #[test]
    fn ties_go_to_the_smaller_row_in_lists_of_any_length() {
        for k in [1, 5, 128, 129, 400] {
            let mut closest = Closest::new(k);
            for own in [u32::MAX, 3] {
                closest.start(own);
                for row in (0..1000).rev() {
                    closest.offer(f64::from(row / 7), row);
                }
                let (mut distances, mut rows) = (vec![0.0; k], vec![0; k]);
                closest.write(|x| x, &mut distances, &mut rows);
                let expected: Vec<i64> = (0..1000).filter(|&row| row != i64::from(own)).collect();
                assert_eq!(rows, expected[..k]);
                assert!(rows.iter().zip(&distances).all(|(&row, &x)| (row / 7) as f64 == x));
            }
        }
    }
}
