//! Best cut of a column for few rows of whole weights: every row's code is tried as the last one on
//! the left, all of them at once.
//!
//! A comparison of one row's code with the n candidates adds the row's weight to the left children
//! that it belongs to: n²/32 vector additions of bytes for a column of bytes, without a sort and
//! without a branch.  The rows come class by class, so that the sums of a class stay in registers.
//!
//! 1. Once a node: where its classes end.
//! 2. Once a column: gather the codes; class after class, the weights left of every candidate.
//! 3. From them the criterion's proxy of every cut: squares of sums for Gini, four cuts at a time;
//!    the criterion itself for entropy.
//! 4. The first code of the largest proxy.

use smelt_core::simd::vectorize;

use super::columns::Strided;
use super::criterion::{Criterion, Score};
use super::criterion_classes::gini_proxy;
use super::cut::Rules;

/// Most rows of a node.
pub(crate) const MOST_ROWS: usize = 128;
/// Largest weight of a node: weights are added up in bytes.
const MOST_WEIGHT: f64 = 255.0;
/// Most classes.
pub(crate) const MOST_CLASSES: usize = 32;

/// A cut between two codes of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between {
    /// Last code on the left.
    pub(crate) last: u32,
    /// First code on the right.
    pub(crate) next: u32,
    pub(crate) proxy: f64,
}

/// What a column offers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Offer {
    Constant,
    Nothing,
    Cut(Between),
}

/// A code; weights are added up in numbers as wide.
pub(crate) trait Lane: Copy + PartialOrd + Into<u32> {
    const ZERO: Self;
    /// Behind every code.
    const LAST: Self;
    fn weight(weight: u8) -> Self;
    fn add(self, other: Self) -> Self;
    fn number(self) -> f32;
}

macro_rules! lane {
    ($type:ty) => {
        impl Lane for $type {
            const ZERO: Self = 0;
            const LAST: Self = <$type>::MAX;
            #[inline(always)]
            fn weight(weight: u8) -> Self {
                weight.into()
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn number(self) -> f32 {
                self as f32
            }
        }
    };
}
lane!(u8);
lane!(u16);
lane!(u32);

/// Rows of a node, class by class.
#[derive(Debug)]
pub(crate) struct FewRows {
    rows: [u32; MOST_ROWS],
    weights: [u8; MOST_ROWS],
    /// 0 if the node is not small.
    n_rows: usize,
    /// Behind the last row of every class.
    ends: [usize; MOST_CLASSES],
    totals: [f64; MOST_CLASSES],
    n_classes: usize,
    weight: f64,
    score: Score,
}

impl Default for FewRows {
    fn default() -> Self {
        Self {
            rows: [0; MOST_ROWS],
            weights: [0; MOST_ROWS],
            n_rows: 0,
            ends: [0; MOST_CLASSES],
            totals: [0.0; MOST_CLASSES],
            n_classes: 0,
            weight: 0.0,
            score: Score::Squares,
        }
    }
}

/// Whether a node is small enough.
#[inline(always)]
pub(crate) fn are_few(n_rows: usize, n_classes: usize, weight: f64) -> bool {
    n_rows <= MOST_ROWS && weight <= MOST_WEIGHT && n_classes <= MOST_CLASSES
}

impl FewRows {
    /// 1. Takes up a node, whose rows come class by class if there are class sums.
    pub(crate) fn enter<C: Criterion>(&mut self, rows: &[u32], items: &[C::Item], criterion: &C) {
        (self.n_rows, self.n_classes) = (0, 0);
        let Some(sums) = criterion.class_sums().filter(|sums| sums.totals.len() <= MOST_CLASSES)
        else {
            return;
        };
        self.n_classes = sums.totals.len();
        let mut start = 0;
        for (place, &item) in items.iter().enumerate() {
            let class = criterion.class_and_weight(item).0;
            if class > start {
                self.ends[start..class].fill(place);
                start = class;
            }
        }
        self.ends[start..self.n_classes].fill(rows.len());
        if !are_few(rows.len(), sums.totals.len(), sums.weight) {
            return;
        }
        self.totals[..self.n_classes].copy_from_slice(sums.totals);
        (self.weight, self.score) = (sums.weight, sums.score);
        self.rows[..rows.len()].copy_from_slice(rows);
        for (weight, &item) in self.weights.iter_mut().zip(items) {
            *weight = criterion.class_and_weight(item).1 as u8;
        }
        self.n_rows = rows.len();
    }

    /// Places behind the last row of every class of the node taken up, small or not.
    pub(crate) fn ends(&self) -> Option<&[usize]> {
        (self.n_classes > 0).then_some(&self.ends[..self.n_classes])
    }

    /// Whether the node taken up is small.
    #[inline(always)]
    pub(crate) fn are_entered(&self) -> bool {
        self.n_rows > 0
    }

    /// The best cut of a column (steps 2 to 4); `proxy` tells the criterion's mind of weights on the
    /// left, `are_close` whether two codes cannot be parted.
    pub(crate) fn best<T: Lane>(
        &self,
        codes: Strided<'_, T>,
        rules: &Rules,
        are_close: &dyn Fn(u32, u32) -> bool,
        proxy: &mut dyn FnMut(&[f64]) -> f64,
    ) -> Offer {
        vectorize(
            #[inline(always)]
            || match self.n_rows {
                0..=8 => self.best_of::<T, 8>(codes, rules, are_close, proxy),
                9..=16 => self.best_of::<T, 16>(codes, rules, are_close, proxy),
                17..=32 => self.best_of::<T, 32>(codes, rules, are_close, proxy),
                33..=64 => self.best_of::<T, 64>(codes, rules, are_close, proxy),
                _ => self.best_of::<T, 128>(codes, rules, are_close, proxy),
            },
        )
    }

    #[inline(always)]
    fn best_of<T: Lane, const W: usize>(
        &self,
        source: Strided<'_, T>,
        rules: &Rules,
        are_close: &dyn Fn(u32, u32) -> bool,
        proxy: &mut dyn FnMut(&[f64]) -> f64,
    ) -> Offer {
        let n_rows = self.n_rows.min(W);
        // Codes behind the last row send all rows left: no cut.
        let mut codes = [T::LAST; W];
        for (code, &row) in codes.iter_mut().zip(&self.rows[..n_rows]) {
            *code = source.get(row);
        }
        let mut proxies = self.proxies(&codes, rules, proxy);
        loop {
            let highest = largest_of(&proxies);
            if highest == f64::NEG_INFINITY {
                let (mut least, mut largest) = (T::LAST, T::ZERO);
                for &code in &codes[..n_rows] {
                    least = if code < least { code } else { least };
                    largest = if code > largest { code } else { largest };
                }
                let is_constant = least >= largest || are_close(least.into(), largest.into());
                return if is_constant { Offer::Constant } else { Offer::Nothing };
            }
            // Of equal cuts the one that comes first in the order of codes.
            let last = first_at(&codes, &proxies, highest);
            let next = next_of(&codes, last);
            if !are_close(last.into(), next.into()) {
                return Offer::Cut(Between {
                    last: last.into(),
                    next: next.into(),
                    proxy: highest,
                });
            }
            for (&code, proxy) in codes.iter().zip(&mut proxies) {
                *proxy = if code == last { f64::NEG_INFINITY } else { *proxy };
            }
        }
    }

    /// 3. The criterion's proxy of a cut behind every row's code.
    #[inline(always)]
    fn proxies<T: Lane, const W: usize>(
        &self,
        codes: &[T; W],
        rules: &Rules,
        proxy: &mut dyn FnMut(&[f64]) -> f64,
    ) -> [f64; W] {
        // Sums of whole numbers up to 255 and their squares are exact in f32.
        let (mut weight, mut squares_left, mut squares_right) = ([0.0; W], [0.0; W], [0.0; W]);
        let mut start = 0;
        for (&end, &total) in self.ends.iter().zip(&self.totals[..self.n_classes]) {
            let total = total as f32;
            if start == end {
                continue;
            }
            // 2. Rows of one class.
            let mut left = [T::ZERO; W];
            for (&code, &weight) in codes[start..end].iter().zip(&self.weights[start..end]) {
                let weight = T::weight(weight);
                for (left, candidate) in left.iter_mut().zip(codes) {
                    *left = left.add(if code <= *candidate { weight } else { T::ZERO });
                }
            }
            start = end;
            for j in 0..W {
                let (left, right) = (left[j].number(), total - left[j].number());
                weight[j] += left;
                squares_left[j] += left * left;
                squares_right[j] += right * right;
            }
        }
        let (total, least) = (self.weight as f32, rules.min_weight_leaf.max(1.0));
        let mut proxies = [0.0; W];
        for j in 0..W {
            let (left, right) = (f64::from(weight[j]), f64::from(total - weight[j]));
            let squares = [f64::from(squares_left[j]), f64::from(squares_right[j])];
            let value = gini_proxy(squares, [left, right]);
            let allowed = (left >= least) & (right >= least);
            proxies[j] = if allowed { value } else { f64::NEG_INFINITY };
        }
        if let Score::Entropy = self.score {
            for (value, &code) in proxies.iter_mut().zip(codes) {
                if *value > f64::NEG_INFINITY {
                    *value = proxy(&self.left(codes, code)[..self.n_classes]);
                }
            }
        }
        if rules.min_samples_leaf > 1 {
            let least = rules.min_samples_leaf;
            let mut n_left = [0_u8; W];
            for code in &codes[..self.n_rows.min(W)] {
                for (n, candidate) in n_left.iter_mut().zip(codes) {
                    *n += u8::from(code <= candidate);
                }
            }
            for (value, &n) in proxies.iter_mut().zip(&n_left) {
                let n = usize::from(n);
                if n < least || self.n_rows - n < least {
                    *value = f64::NEG_INFINITY;
                }
            }
        }
        proxies
    }

    /// Weights of the classes up to a code.
    fn left<T: Lane>(&self, codes: &[T], last: T) -> [f64; MOST_CLASSES] {
        let mut sums = [0.0; MOST_CLASSES];
        let mut start = 0;
        for (sum, &end) in sums[..self.n_classes].iter_mut().zip(&self.ends) {
            for (&code, &weight) in codes[start..end].iter().zip(&self.weights[start..end]) {
                *sum += if code <= last { f64::from(weight) } else { 0.0 };
            }
            start = end;
        }
        sums
    }
}

/// The largest of numbers of which none is NaN.
#[inline(always)]
fn largest_of<const W: usize>(values: &[f64; W]) -> f64 {
    let mut lanes = [f64::NEG_INFINITY; 8];
    for values in values.as_chunks::<8>().0 {
        for (lane, &value) in lanes.iter_mut().zip(values) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes.into_iter().fold(f64::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// The least code whose proxy is `highest`.
#[inline(always)]
fn first_at<T: Lane, const W: usize>(codes: &[T; W], proxies: &[f64; W], highest: f64) -> T {
    let mut lanes = [T::LAST; 8];
    for (codes, proxies) in codes.as_chunks::<8>().0.iter().zip(proxies.as_chunks::<8>().0) {
        for ((lane, &code), &proxy) in lanes.iter_mut().zip(codes).zip(proxies) {
            let code = if proxy == highest { code } else { T::LAST };
            *lane = if code < *lane { code } else { *lane };
        }
    }
    lanes.into_iter().fold(T::LAST, |a, b| if b < a { b } else { a })
}

/// The least code above `last`.
#[inline(always)]
fn next_of<T: Lane, const W: usize>(codes: &[T; W], last: T) -> T {
    let mut lanes = [T::LAST; 8];
    for codes in codes.as_chunks::<8>().0 {
        for (lane, &code) in lanes.iter_mut().zip(codes) {
            let code = if code > last { code } else { T::LAST };
            *lane = if code < *lane { code } else { *lane };
        }
    }
    lanes.into_iter().fold(T::LAST, |a, b| if b < a { b } else { a })
}
