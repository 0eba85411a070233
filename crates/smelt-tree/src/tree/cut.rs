//! Cut: the best threshold of one column in one node.
//!
//! The codes of the node's rows come in ascending groups, from a histogram (columns of bytes:
//! one addition a row), from a sort, or from a list kept sorted since the root.  Groups move to the
//! left child one after the other; between two of them the criterion is asked.  Missing values are
//! tried on the right, then on the left; last on the right, all others on the left.
//!
//! Class weights that are whole numbers have shorter ways: `few_rows`, `class_histogram`.

use super::category_cut::{CategoryScratch, Set, category_cut};
use super::class_histogram::{ClassHistogram, are_countable};
use super::columns::{Codes, Column, Columns, Strided};
use super::criterion::Criterion;
use super::few_rows::{FewRows, Offer};
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
    /// Codes that go left, or categories where a table has no codes (cuts by categories).
    pub(crate) set: Option<Set>,
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
    class_histogram: ClassHistogram,
    categories: CategoryScratch,
}

/// Rows of one code.
#[derive(Debug, Clone, Copy)]
struct Group {
    code: u32,
    n: u32,
}

/// The best cut of a column for the rows of the node that `criterion` and `few` have entered.
pub(crate) fn best_cut<C: Criterion>(
    columns: &Columns,
    feature: usize,
    rows: &[u32],
    items: &[C::Item],
    few: &FewRows,
    criterion: &mut C,
    rules: &Rules,
    scratch: &mut Scratch,
) -> Found {
    let column = &columns.columns[feature];
    if column.is_categorical {
        let scratch = &mut scratch.categories;
        return category_cut(column, feature, rows, items, criterion, rules, scratch);
    }
    if !column.has_missing && rules.monotonic == 0 {
        let are_close = |left: u32, right: u32| column.are_close(left, right);
        if few.are_entered() {
            let offer = among_few(columns, feature, few, criterion, rules, &are_close);
            return found(offer, column, feature);
        }
        if let (Codes::Narrow(codes), Some(sums)) = (&column.codes, criterion.class_sums())
            && are_countable(&sums)
        {
            let histogram = &mut scratch.class_histogram;
            let codes = columns.bytes(codes, feature, rows.len());
            let offer = histogram.best(codes, rows, items, criterion, rules, &are_close);
            return found(offer, column, feature);
        }
    }
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

/// The best cut of a column without missing values in a small node.
fn among_few<C: Criterion>(
    columns: &Columns,
    feature: usize,
    few: &FewRows,
    criterion: &mut C,
    rules: &Rules,
    are_close: &dyn Fn(u32, u32) -> bool,
) -> Offer {
    let mut proxy = |left: &[f64]| {
        criterion.reset();
        criterion.shift_sums(left);
        criterion.proxy()
    };
    match &columns.columns[feature].codes {
        Codes::Narrow(codes) => {
            few.best(columns.bytes(codes, feature, 0), rules, are_close, &mut proxy)
        }
        Codes::Middle(codes) => few.best(Strided::column(codes), rules, are_close, &mut proxy),
        Codes::Wide(codes) => few.best(Strided::column(codes), rules, are_close, &mut proxy),
    }
}

fn found(offer: Offer, column: &Column, feature: usize) -> Found {
    match offer {
        Offer::Constant => Found::Constant,
        Offer::Nothing => Found::Nothing,
        Offer::Cut(cut) => Found::Cut(Cut {
            feature,
            proxy: cut.proxy,
            code: cut.last,
            threshold: column.threshold(cut.last, cut.next),
            // Nothing is missing: the grower sends missing values of later rows to the larger child.
            missing_left: false,
            set: None,
        }),
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
                    set: None,
                });
            }
        }
    }
    best.map_or(Found::Nothing, Found::Cut)
}

/// The criterion's proxy, if the cut is allowed.
#[inline(always)]
pub(super) fn proxy<C: Criterion>(criterion: &C, n: [usize; 2], rules: &Rules) -> Option<f64> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use smelt_core::{Control, MatRef};

    use super::{Found, Rules, Scratch, best_cut};
    use crate::tree::columns::Columns;
    use crate::tree::criterion::Criterion;
    use crate::tree::criterion_classes::{Entropy, Gini};
    use crate::tree::few_rows::FewRows;

    /// Cut found by a criterion in a column, with whole weights and minimal sizes.
    fn cut_of<C: Criterion>(
        mut criterion: C,
        columns: &Columns,
        weights: &[u8],
        min_samples_leaf: usize,
    ) -> Option<(u32, f64)> {
        let mut rows: Vec<u32> = (0..weights.len() as u32).filter(|i| i % 3 != 1).collect();
        criterion.order(&mut rows);
        let item = |&row: &u32| criterion.item(row as usize, weights[row as usize].into());
        let items: Vec<C::Item> = rows.iter().map(item).collect();
        criterion.enter(&items);
        let mut few = FewRows::default();
        few.enter(&rows, &items, &criterion);
        let is_small = rows.len() <= 85 && criterion.class_sums().is_some();
        assert_eq!(few.are_entered(), is_small);
        let rules = Rules {
            min_samples_leaf,
            min_weight_leaf: 2.0,
            monotonic: 0,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        };
        let scratch = &mut Scratch::default();
        match best_cut(columns, 0, &rows, &items, &few, &mut criterion, &rules, scratch) {
            Found::Cut(cut) => Some((cut.code, cut.proxy)),
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn shortcuts_find_the_cut_of_the_plain_way(
            n in prop_oneof![6_usize..120, 400_usize..600],
            seed in 0_u32..1000,
            n_values in prop_oneof![2_u32..9, 1000_u32..2000],
            n_classes in 2_u32..9,
            closeness in prop_oneof![Just(1.0_f32), Just(6e-8)],
            least in 1_usize..4,
        ) {
            let mut random = crate::tree::random::Xorshift::new(seed + 1);
            let mut draw = |high: u32| random.integer(0, high as usize) as u32;
            let numbers: Vec<u32> = (0..n).map(|_| draw(n_values)).collect();
            let values: Vec<f32> = numbers.iter().map(|&x| x as f32 * closeness).collect();
            let classes: Vec<u32> =
                numbers.iter().map(|&x| (draw(3) + x) % n_classes).collect();
            let weights: Vec<u8> = (0..n).map(|_| 1 + draw(3) as u8).collect();
            let k = n_classes as usize;
            for max_bins in [None, Some(255)] {
                let view = MatRef::column_vector(&values);
                let columns = Columns::new(view, max_bins, false, &Control::new()).unwrap();
                let quick = cut_of(Gini::<u16>::new(&classes, 1, k), &columns, &weights, least);
                let plain = cut_of(Gini::<f64>::new(&classes, 1, k), &columns, &weights, least);
                prop_assert_eq!(quick, plain);
                let quick = cut_of(Entropy::<u16>::new(&classes, 1, k), &columns, &weights, least);
                let plain = cut_of(Entropy::<f64>::new(&classes, 1, k), &columns, &weights, least);
                prop_assert_eq!(quick, plain);
            }
        }
    }
}
