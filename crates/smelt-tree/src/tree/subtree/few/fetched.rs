//! Fetched: the codes of every column for the rows of a root, fetched when first asked for, eight
//! columns at once.

use smelt_core::simd::bytes::LANES;
use smelt_core::simd::transpose::{COLUMNS, ROWS, transpose};

use super::super::{Word, row};

/// Codes by column.
#[derive(Debug)]
pub(super) struct Fetched<const C: usize> {
    /// Eight codes before every row of the table; behind the last, those before the first.
    places: [[usize; ROWS]; C],
    n_tiles: usize,
    codes: Vec<[[u8; LANES]; C]>,
    /// The root whose codes each eight columns hold.
    roots: Vec<u32>,
    root: u32,
}

impl<const C: usize> Fetched<C> {
    pub(super) fn new(stride: usize) -> Self {
        Self {
            places: [[0; ROWS]; C],
            n_tiles: 0,
            codes: vec![[[0; LANES]; C]; stride],
            roots: vec![0; stride / COLUMNS],
            root: 0,
        }
    }

    /// Takes up the rows of a root, from a table whose rows are `stride` long.
    #[inline(always)]
    pub(super) fn take_up(&mut self, words: &[Word], stride: usize) {
        let tiles = stride / COLUMNS;
        self.places = [[row(words[0]) * tiles; ROWS]; C];
        for (place, &word) in self.places.as_flattened_mut().iter_mut().zip(words) {
            *place = row(word) * tiles;
        }
        self.n_tiles = words.len().div_ceil(ROWS);
        self.root = self.root.wrapping_add(1);
        if self.root == 0 {
            (self.root, self.roots) = (1, vec![0; self.roots.len()]);
        }
    }

    /// The codes of a column.
    #[inline(always)]
    pub(super) fn column(&mut self, table: &[u8], feature: usize) -> &[[u8; LANES]; C] {
        if self.roots[feature / COLUMNS] != self.root {
            self.fetch(table, feature / COLUMNS);
        }
        &self.codes[feature]
    }

    #[inline(never)]
    fn fetch(&mut self, table: &[u8], tile: usize) {
        self.roots[tile] = self.root;
        let columns = &mut self.codes[tile * COLUMNS..][..COLUMNS];
        let tiles = table.as_chunks::<COLUMNS>().0;
        for (chunk, places) in self.places.iter().take(self.n_tiles).enumerate() {
            let mut rows = [[0; COLUMNS]; ROWS];
            for (row, place) in rows.iter_mut().zip(places) {
                *row = tiles[place + tile];
            }
            for (column, codes) in columns.iter_mut().zip(transpose(&rows)) {
                column[chunk] = codes;
            }
        }
    }
}
