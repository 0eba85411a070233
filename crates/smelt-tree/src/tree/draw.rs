//! Which columns a node looks at: a shuffle without replacement that goes on until `max_features`
//! were looked at and one of them was not constant.  Columns known to be constant stay so below.
//!
//! Places of the shuffled columns, from left to right: drawn constant · known constant · found
//! constant · not drawn yet · drawn and of use.

use super::random::Xorshift;

/// The shuffled columns of a tree.
#[derive(Debug)]
pub(crate) struct Drawing {
    features: Vec<u32>,
    constants: Vec<u32>,
    max_features: usize,
    n_known: usize,
    n_drawn: usize,
    n_found: usize,
    n_visited: usize,
    /// First place of a column drawn and of use.
    end: usize,
    place: usize,
}

impl Drawing {
    pub(crate) fn new(n_features: usize, max_features: usize) -> Self {
        Self {
            features: (0..n_features as u32).collect(),
            constants: vec![0; n_features],
            max_features,
            n_known: 0,
            n_drawn: 0,
            n_found: 0,
            n_visited: 0,
            end: n_features,
            place: 0,
        }
    }

    /// Columns not known to be constant.
    pub(crate) fn candidates(&self) -> &[u32] {
        &self.features[self.n_known..]
    }

    /// Starts a node below which `n_known` columns are known to be constant.
    pub(crate) fn start(&mut self, n_known: usize) {
        self.n_known = n_known;
        (self.n_drawn, self.n_found, self.n_visited) = (0, 0, 0);
        self.end = self.features.len();
    }

    /// The next column to look at.
    pub(crate) fn next(&mut self, random: &mut Xorshift) -> Option<usize> {
        loop {
            let enough =
                self.n_visited >= self.max_features && self.n_visited > self.n_found + self.n_drawn;
            if self.end <= self.n_known + self.n_found || enough {
                return None;
            }
            self.n_visited += 1;
            let place = random.integer(self.n_drawn, self.end - self.n_found);
            if place < self.n_known {
                self.features.swap(self.n_drawn, place);
                self.n_drawn += 1;
                continue;
            }
            self.place = place + self.n_found;
            return Some(self.features[self.place] as usize);
        }
    }

    /// Says that the column drawn last is constant here.
    pub(crate) fn is_constant(&mut self) {
        self.features.swap(self.place, self.n_known + self.n_found);
        self.n_found += 1;
    }

    /// Says that the column drawn last is of use.
    pub(crate) fn is_of_use(&mut self) {
        self.end -= 1;
        self.features.swap(self.end, self.place);
    }

    /// Ends a node; returns the number of columns that are constant below it.
    pub(crate) fn finish(&mut self) -> usize {
        // The constants' order must be the one that siblings and children know.
        self.features[..self.n_known].copy_from_slice(&self.constants[..self.n_known]);
        let found = self.n_known..self.n_known + self.n_found;
        self.constants[found.clone()].copy_from_slice(&self.features[found.clone()]);
        found.end
    }
}

#[cfg(test)]
mod tests {
    use super::Drawing;
    use crate::tree::random::Xorshift;

    #[test]
    fn every_column_is_drawn_once_and_constants_are_not_counted() {
        let mut random = Xorshift::new(42);
        let mut drawing = Drawing::new(6, 3);
        drawing.start(0);
        let mut seen = Vec::new();
        while let Some(feature) = drawing.next(&mut random) {
            seen.push(feature);
            if feature < 5 { drawing.is_constant() } else { drawing.is_of_use() }
        }
        assert!(seen.contains(&5) || seen.len() >= 3);
        let n_constant = drawing.finish();
        assert_eq!(n_constant, seen.iter().filter(|&&feature| feature < 5).count());
        // Below, the constants are not looked at again.
        drawing.start(n_constant);
        let mut below = Vec::new();
        while let Some(feature) = drawing.next(&mut random) {
            below.push(feature);
            drawing.is_of_use();
        }
        assert!(below.iter().all(|feature| *feature == 5 || !seen.contains(feature)));
        assert_eq!(drawing.finish(), n_constant);
    }
}
