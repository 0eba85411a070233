//! Cut: the best threshold of one column in one node, or a random one.
//!
//! Best: the codes of the node's rows come in ascending groups, from a histogram (columns of bytes:
//! one addition a row), from a sort, or from a list kept sorted since the root.  Groups move to the
//! left child one after the other; between two of them the criterion is asked.  Missing values are
//! tried on the right, then on the left; last on the right, all others on the left.
//!
//! Random: one threshold drawn between the smallest and the largest value.

use super::columns::{CLOSE, Codes, Column};
use super::criterion::Criterion;
use super::random::Xorshift;
use super::sort::{pack, sort};

/// Below this many rows a sort beats clearing and reading a histogram.
const FEW_ROWS: usize = 32;
/// Longest histogram, in numbers: it should stay near the processor.
const LONGEST: usize = 1 << 16;

/// What a cut must respect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) min_samples_leaf: usize,
    pub(crate) min_weight_leaf: f64,
    /// 1: values must rise with the column, -1: fall, 0: free.
    pub(crate) monotonic: i8,
    /// Bounds of the children's values.
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// A cut of a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) feature: usize,
    pub(crate) proxy: f64,
    /// Last code that goes left (best cuts).
    pub(crate) code: u32,
    pub(crate) threshold: f64,
    pub(crate) missing_left: bool,
}

/// What a look at a column found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found {
    Constant,
    Nothing,
    Cut(Cut),
}

/// Room for the work on one column.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    words: Vec<u64>,
    spare: Vec<u64>,
    groups: Vec<Group>,
    /// Sums of every code, and its number of rows; zero between two uses.
    sums: Vec<f64>,
    counts: Vec<u32>,
    values: Vec<f32>,
}

/// Rows of one code.
#[derive(Debug, Clone, Copy)]
struct Group {
    code: u32,
    n: u32,
}

/// The best cut of a column for the rows of the node that `criterion` has entered.
pub(crate) fn best_cut<C: Criterion>(
    column: &Column,
    feature: usize,
    rows: &[u32],
    items: &[C::Item],
    criterion: &mut C,
    rules: &Rules,
    scratch: &mut Scratch,
) -> Found {
    let width = criterion.n_sums();
    match &column.codes {
        Codes::Narrow(codes)
            if rows.len() >= FEW_ROWS && width > 0 && width * (column.n_codes() + 1) <= LONGEST =>
        {
            let found =
                by_histogram(codes, column, feature, rows, items, criterion, rules, scratch);
            for group in &scratch.groups {
                let start = group.code as usize * width;
                scratch.sums[start..start + width].fill(0.0);
                scratch.counts[group.code as usize] = 0;
            }
            found
        }
        Codes::Narrow(codes) => {
            by_sort(codes, column, feature, rows, items, criterion, rules, scratch)
        }
        Codes::Middle(codes) => {
            by_sort(codes, column, feature, rows, items, criterion, rules, scratch)
        }
        Codes::Wide(codes) => {
            by_sort(codes, column, feature, rows, items, criterion, rules, scratch)
        }
    }
}

fn by_histogram<C: Criterion>(
    codes: &[u8],
    column: &Column,
    feature: usize,
    rows: &[u32],
    items: &[C::Item],
    criterion: &mut C,
    rules: &Rules,
    scratch: &mut Scratch,
) -> Found {
    let (width, n_codes) = (criterion.n_sums(), column.n_codes());
    let Scratch { groups, sums, counts, .. } = scratch;
    if sums.len() < (n_codes + 1) * width {
        sums.resize((n_codes + 1) * width, 0.0);
    }
    counts.resize(256, 0);
    for (&row, &item) in rows.iter().zip(items) {
        let code = usize::from(codes[row as usize]);
        counts[code] += 1;
        criterion.add(&mut sums[code * width..(code + 1) * width], item);
    }
    groups.clear();
    for (code, &n) in counts[..=n_codes].iter().enumerate() {
        if n > 0 {
            groups.push(Group { code: code as u32, n });
        }
    }
    scan(column, feature, groups, criterion, rules, |criterion, group| {
        let start = groups[group].code as usize * width;
        criterion.shift_sums(&sums[start..start + width]);
    })
}

fn by_sort<C: Criterion, T: Copy + Into<u32>>(
    codes: &[T],
    column: &Column,
    feature: usize,
    rows: &[u32],
    items: &[C::Item],
    criterion: &mut C,
    rules: &Rules,
    scratch: &mut Scratch,
) -> Found {
    let Scratch { words, spare, groups, .. } = scratch;
    words.clear();
    words.extend((0..).zip(rows).map(|(place, &row)| pack(codes[row as usize].into(), place)));
    sort(words, spare, column.n_codes() as u32);
    collect(words.iter().map(|word| (word >> 32) as u32), groups);
    let mut at = 0;
    let n_known = words.len() - missing(groups, column);
    scan(column, feature, groups, criterion, rules, |criterion, group| {
        // Groups come one after the other; the missing ones may come first.
        let is_missing = groups[group].code as usize == column.n_codes();
        if group == 0 || is_missing {
            at = if is_missing { n_known } else { 0 };
        }
        let end = at + groups[group].n as usize;
        for &word in &words[at..end] {
            criterion.shift(items[word as u32 as usize]);
        }
        at = end;
    })
}

/// Like [`best_cut`], for rows in the order of their codes; `items` belongs to all rows of the data.
pub(crate) fn best_cut_in_order<C: Criterion>(
    column: &Column,
    feature: usize,
    ordered: &[u32],
    items: &[C::Item],
    criterion: &mut C,
    rules: &Rules,
    scratch: &mut Scratch,
) -> Found {
    let groups = &mut scratch.groups;
    collect(ordered.iter().map(|&row| column.code(row as usize)), groups);
    let mut at = 0;
    let n_known = ordered.len() - missing(groups, column);
    scan(column, feature, groups, criterion, rules, |criterion, group| {
        let is_missing = groups[group].code as usize == column.n_codes();
        if group == 0 || is_missing {
            at = if is_missing { n_known } else { 0 };
        }
        let end = at + groups[group].n as usize;
        for &row in &ordered[at..end] {
            criterion.shift(items[row as usize]);
        }
        at = end;
    })
}

/// Groups of equal codes.
#[inline(always)]
fn collect(codes: impl Iterator<Item = u32>, groups: &mut Vec<Group>) {
    groups.clear();
    for code in codes {
        match groups.last_mut() {
            Some(group) if group.code == code => group.n += 1,
            _ => groups.push(Group { code, n: 1 }),
        }
    }
}

/// Rows of the last group, if it holds the missing values.
fn missing(groups: &[Group], column: &Column) -> usize {
    match groups.last() {
        Some(group) if group.code as usize == column.n_codes() => group.n as usize,
        _ => 0,
    }
}

/// Moves group after group to the left and asks the criterion in between.
#[inline(always)]
fn scan<C: Criterion>(
    column: &Column,
    feature: usize,
    groups: &[Group],
    criterion: &mut C,
    rules: &Rules,
    mut shift: impl FnMut(&mut C, usize),
) -> Found {
    let n_missing = missing(groups, column);
    let n_groups = groups.len() - usize::from(n_missing > 0);
    let known = &groups[..n_groups];
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return Found::Constant;
    };
    if n_missing == 0 && (n_groups == 1 || column.are_close(first.code, last.code)) {
        return Found::Constant;
    }
    let n: usize = groups.iter().map(|group| group.n as usize).sum();
    let mut best: Option<Cut> = None;
    let mut least = f64::NEG_INFINITY;
    for missing_left in [false, true] {
        if missing_left && n_missing == 0 {
            break;
        }
        criterion.reset();
        let mut n_left = 0;
        if missing_left {
            shift(criterion, n_groups);
            n_left = n_missing;
        }
        for (index, group) in known.iter().enumerate() {
            shift(criterion, index);
            n_left += group.n as usize;
            let next = known.get(index + 1);
            let threshold = match next {
                Some(next) if column.are_close(group.code, next.code) => continue,
                None if missing_left || n_missing == 0 => continue,
                _ => next.map(|next| next.code),
            };
            if let Some(proxy) = proxy(criterion, [n_left, n - n_left], rules)
                && proxy > least
            {
                least = proxy;
                best = Some(Cut {
                    feature,
                    proxy,
                    code: group.code,
                    threshold: threshold
                        .map_or(f64::INFINITY, |next| column.threshold(group.code, next)),
                    // Nothing missing in training: later, missing values join the larger child.
                    missing_left: if n_missing == 0 { 2 * n_left > n } else { missing_left },
                });
            }
        }
    }
    best.map_or(Found::Nothing, Found::Cut)
}

/// The criterion's proxy, if the cut is allowed.
#[inline(always)]
fn proxy<C: Criterion>(criterion: &C, n: [usize; 2], rules: &Rules) -> Option<f64> {
    if n[0] < rules.min_samples_leaf || n[1] < rules.min_samples_leaf {
        return None;
    }
    if rules.monotonic != 0 {
        let [left, right] = criterion.side_values();
        let within = |value: f64| (rules.lower..=rules.upper).contains(&value);
        if !within(left) || !within(right) || (left - right) * f64::from(rules.monotonic) > 0.0 {
            return None;
        }
    }
    let [left, right] = criterion.weights();
    if left < rules.min_weight_leaf || right < rules.min_weight_leaf {
        return None;
    }
    Some(criterion.proxy())
}

/// A cut of a column at a random threshold, for the rows of the node that `criterion` has entered.
pub(crate) fn random_cut<C: Criterion>(
    column: &[f32],
    feature: usize,
    rows: &[u32],
    items: &[C::Item],
    criterion: &mut C,
    rules: &Rules,
    random: &mut Xorshift,
    scratch: &mut Scratch,
) -> Found {
    let Scratch { values, sums, .. } = scratch;
    let (mut lowest, mut highest, mut n_missing) = (f32::INFINITY, f32::NEG_INFINITY, 0);
    values.clear();
    values.extend(rows.iter().map(|&row| column[row as usize]));
    for &value in values.iter() {
        // Comparisons with NaN are false.
        lowest = if value < lowest { value } else { lowest };
        highest = if value > highest { value } else { highest };
        n_missing += usize::from(value.is_nan());
    }
    let n = rows.len();
    if n_missing == n || (n_missing == 0 && highest <= lowest + CLOSE) {
        return Found::Constant;
    }
    let (low, high) = (f64::from(lowest), f64::from(highest));
    let mut threshold = random.uniform(low, high);
    let missing_left = n_missing > 0 && random.integer(0, 2) == 1;
    if threshold == high {
        threshold = low;
    }
    let goes_left = |value: f32| f64::from(value) <= threshold || (missing_left && value.is_nan());
    let width = criterion.n_sums();
    criterion.reset();
    let mut n_left = 0;
    if width > 0 {
        if sums.len() < 2 * width {
            sums.resize(2 * width, 0.0);
        }
        for (&value, &item) in values.iter().zip(items) {
            // Both sides are added up: no branch that cannot be foreseen.
            let left = goes_left(value);
            let start = if left { 0 } else { width };
            criterion.add(&mut sums[start..start + width], item);
            n_left += usize::from(left);
        }
        criterion.shift_sums(&sums[..width]);
        sums[..2 * width].fill(0.0);
    } else {
        for (&value, &item) in values.iter().zip(items) {
            if goes_left(value) {
                criterion.shift(item);
                n_left += 1;
            }
        }
    }
    match proxy(criterion, [n_left, n - n_left], rules) {
        Some(proxy) if n_left > 0 && n_left < n => Found::Cut(Cut {
            feature,
            proxy,
            code: 0,
            threshold,
            missing_left: if n_missing == 0 { 2 * n_left > n } else { missing_left },
        }),
        _ => Found::Nothing,
    }
}
