//! Cut of a categorical column: its categories in two sets.
//!
//! Twin: `smelt/plain/tree/categories.py`.
//!
//! 1. Add up the rows of every category of the node.
//! 2. Order the categories by one number each: the mean of a target, or the share of a class.  Of one
//!    mean, or of two classes, the best of all 2^(k-1) - 1 cuts parts two neighbours in this order
//!    (Fisher 1958; Breiman et al. 1984, section 4.2.2).  Several classes or outputs give one order
//!    each, and the best cut of all is taken: each class against the rest (their section 4.3).
//! 3. Category after category moves to the left child, and the criterion is asked in between.
//!    Missing values are tried on the right, then on the left; last on the right, all others left.
//!
//! A tree that draws its cuts takes a random set instead.
//!
//! Cost: one code and one addition a row, then k (log k + sums) for each order.

use smelt_core::{Error, Result};

use super::columns::{Codes, Column};
use super::criterion::Criterion;
use super::cut::{Cut, Found, Rules, proxy};
use super::grow::Table;
use super::random::Xorshift;
use super::sparse::Values;
use crate::ensemble::{SET_WORDS, in_set};

/// Categories, or their codes: number c is bit c % 32 of word c / 32.
pub(crate) type Set = [u32; SET_WORDS];

/// Most categories of a column; they are numbered 0 to 255, and one code is for missing values.
const MOST_CATEGORIES: usize = 255;

#[inline(always)]
fn insert(set: &mut Set, number: u8) {
    set[usize::from(number / 32)] |= 1 << (number % 32);
}

/// The numbers of a set, ascending.
fn numbers(set: &Set) -> impl Iterator<Item = u8> + '_ {
    (0..=u8::MAX).filter(|&number| in_set(set, number))
}

/// Categories of the columns that have some, from the rows to be learnt from.
pub(crate) fn known_categories(
    table: Table<'_>,
    categorical: &[bool],
    monotonic: Option<&[i8]>,
) -> Result<Vec<Option<Set>>> {
    if categorical.len() != table.n_features() {
        let message = format!("must tell of each of {} columns", table.n_features());
        return Err(Error::parameter("categorical", message));
    }
    let mut known = Vec::with_capacity(categorical.len());
    for (feature, &is_categorical) in categorical.iter().enumerate() {
        if !is_categorical {
            known.push(None);
            continue;
        }
        if monotonic.is_some_and(|signs| signs[feature] != 0) {
            let message = "must be 0 for a categorical column".to_string();
            return Err(Error::parameter("monotonic_cst", message));
        }
        let mut set = Set::default();
        match table {
            Table::Codes(columns) => {
                for value in columns.columns[feature].values() {
                    add_category(&mut set, value)?;
                }
            }
            Table::Values(Values::Plain(values)) => {
                for &value in values.columns.col(feature) {
                    add_category(&mut set, value)?;
                }
            }
            Table::Values(Values::Coded(columns)) => {
                for value in columns.columns[feature].values() {
                    add_category(&mut set, value)?;
                }
            }
        }
        if numbers(&set).count() > MOST_CATEGORIES {
            let message = format!("column {feature} has more than {MOST_CATEGORIES} categories");
            return Err(Error::data(message));
        }
        known.push(Some(set));
    }
    Ok(known)
}

fn add_category(set: &mut Set, value: f32) -> Result<()> {
    if value.is_nan() {
        return Ok(());
    }
    if f32::from(value as u8) != value {
        let message = format!("a category must be a whole number from 0 to 255, got {value}");
        return Err(Error::data(message));
    }
    insert(set, value as u8);
    Ok(())
}

/// Room for the work on one column.
#[derive(Debug, Default)]
pub(crate) struct CategoryScratch {
    sums: Vec<f64>,
    counts: Vec<u32>,
    /// Number and code of every category of the node, in order.
    sorted: Vec<(f64, u8)>,
    /// Places of the rows, category by category, and where each category starts.
    places: Vec<u32>,
    starts: Vec<u32>,
    values: Vec<f32>,
}

/// The best two sets of a column for the rows of the node that `criterion` has entered.
pub(crate) fn category_cut<C: Criterion>(
    column: &Column,
    feature: usize,
    rows: &[u32],
    items: &[C::Item],
    criterion: &mut C,
    rules: &Rules,
    scratch: &mut CategoryScratch,
) -> Found {
    let Codes::Narrow(codes) = &column.codes else { return Found::Nothing };
    let n_codes = column.n_codes();
    let CategoryScratch { sums, counts, sorted, places, starts, .. } = scratch;
    // 1.
    let width = criterion.n_order_sums();
    sums.clear();
    sums.resize((n_codes + 1) * width, 0.0);
    counts.clear();
    counts.resize(n_codes + 1, 0);
    for (&row, &item) in rows.iter().zip(items) {
        let code = usize::from(codes[row as usize]);
        counts[code] += 1;
        criterion.add_order_sums(&mut sums[code * width..(code + 1) * width], item);
    }
    let n_missing = counts[n_codes] as usize;
    let n_present = counts[..n_codes].iter().filter(|&&n| n > 0).count();
    if n_present == 0 || (n_missing == 0 && n_present == 1) {
        return Found::Constant;
    }
    let by_rows = criterion.n_sums() == 0;
    if by_rows {
        list_places(codes, rows, counts, places, starts);
    }
    let move_left = |criterion: &mut C, code: usize| {
        if by_rows {
            let end = starts[code + 1] as usize;
            for &place in &places[starts[code] as usize..end] {
                criterion.shift(items[place as usize]);
            }
        } else {
            criterion.shift_sums(&sums[code * width..(code + 1) * width]);
        }
    };
    let (n, mut best, mut least) = (rows.len(), None, f64::NEG_INFINITY);
    for order in 0..criterion.n_orders() {
        // 2. Equal numbers in the order of their codes.
        sorted.clear();
        for code in (0..n_codes).filter(|&code| counts[code] > 0) {
            let number = criterion.order_by(&sums[code * width..(code + 1) * width], order);
            sorted.push((number, code as u8));
        }
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if order > 0 && sorted.first().map(|x| x.0) == sorted.last().map(|x| x.0) {
            continue;
        }
        // 3.
        let mut found = None;
        for missing_left in [false, true] {
            if missing_left && n_missing == 0 {
                break;
            }
            criterion.reset();
            let mut n_left = 0;
            if missing_left {
                move_left(criterion, n_codes);
                n_left = n_missing;
            }
            for (place, &(_, code)) in sorted.iter().enumerate() {
                move_left(criterion, code.into());
                n_left += counts[usize::from(code)] as usize;
                if place + 1 == n_present && (missing_left || n_missing == 0) {
                    continue;
                }
                if let Some(proxy) = proxy(criterion, [n_left, n - n_left], rules)
                    && proxy > least
                {
                    least = proxy;
                    found = Some((place, missing_left, n_left));
                }
            }
        }
        if let Some((last, missing_left, n_left)) = found {
            let mut set = Set::default();
            sorted[..=last].iter().for_each(|&(_, code)| insert(&mut set, code));
            if missing_left {
                insert(&mut set, n_codes as u8);
            }
            // Nothing is missing: later, missing values join the larger child.
            let missing_left = if n_missing == 0 { 2 * n_left > n } else { missing_left };
            best = Some(cut(feature, least, set, missing_left));
        }
    }
    best.map_or(Found::Nothing, Found::Cut)
}

fn cut(feature: usize, proxy: f64, set: Set, missing_left: bool) -> Cut {
    Cut { feature, proxy, code: 0, threshold: 0.0, missing_left, set: Some(set) }
}

/// Places of the rows of every code behind each other, each in their order.
fn list_places(
    codes: &[u8],
    rows: &[u32],
    counts: &[u32],
    places: &mut Vec<u32>,
    starts: &mut Vec<u32>,
) {
    starts.clear();
    starts.push(0);
    let mut next = Vec::with_capacity(counts.len());
    for &count in counts {
        let start = starts[starts.len() - 1];
        next.push(start);
        starts.push(start + count);
    }
    places.clear();
    places.resize(rows.len(), 0);
    for (place, &row) in (0..).zip(rows) {
        let next = &mut next[usize::from(codes[row as usize])];
        places[*next as usize] = place;
        *next += 1;
    }
}

/// A random set of the node's categories, any but none and all with equal chances.
pub(crate) fn random_category_cut<C: Criterion>(
    table: Values<'_>,
    feature: usize,
    rows: &[u32],
    items: &[C::Item],
    criterion: &mut C,
    rules: &Rules,
    random: &mut Xorshift,
    scratch: &mut CategoryScratch,
) -> Found {
    let CategoryScratch { values, sums, .. } = scratch;
    table.gather(feature, rows, values);
    let (mut present, mut n_missing) = (Set::default(), 0);
    for &value in values.iter() {
        if value.is_nan() {
            n_missing += 1;
        } else {
            insert(&mut present, value as u8);
        }
    }
    let n_present = numbers(&present).count();
    if n_present == 0 || (n_missing == 0 && n_present == 1) {
        return Found::Constant;
    }
    let set = loop {
        let (mut set, mut n_drawn) = (Set::default(), 0);
        for category in numbers(&present) {
            if n_present == 1 || random.integer(0, 2) == 1 {
                insert(&mut set, category);
                n_drawn += 1;
            }
        }
        if n_present == 1 || (n_drawn > 0 && n_drawn < n_present) {
            break set;
        }
    };
    let missing_left = n_missing > 0 && random.integer(0, 2) == 1;
    let width = criterion.n_sums();
    sums.clear();
    sums.resize(width, 0.0);
    criterion.reset();
    let (n, mut n_left) = (rows.len(), 0);
    for (&value, &item) in values.iter().zip(items) {
        if goes_left(&set, missing_left, value) {
            n_left += 1;
            if width > 0 { criterion.add(sums, item) } else { criterion.shift(item) }
        }
    }
    if width > 0 {
        criterion.shift_sums(sums);
    }
    match proxy(criterion, [n_left, n - n_left], rules) {
        Some(proxy) if n_left > 0 && n_left < n => {
            // Nothing is missing: later, missing values join the larger child.
            let missing_left = if n_missing == 0 { 2 * n_left > n } else { missing_left };
            Found::Cut(cut(feature, proxy, set, missing_left))
        }
        _ => Found::Nothing,
    }
}

/// Side of a value among the rows of the node that the set was made for.
#[inline(always)]
pub(crate) fn goes_left(set: &Set, missing_left: bool, value: f32) -> bool {
    if value.is_nan() { missing_left } else { in_set(set, value as u8) }
}

impl Table<'_> {
    /// Categories that go left: of a set of codes or categories cut in a node of these rows, and,
    /// where the left child is the larger one, those known ones that no row of the node has.
    pub(crate) fn left_categories(
        &self,
        feature: usize,
        rows: &[u32],
        set: &Set,
        known: &Set,
        is_left_larger: bool,
    ) -> Set {
        let (mut present, mut left) = (Set::default(), Set::default());
        let mut see = |value: f32, is_left: bool| {
            if !value.is_nan() {
                insert(&mut present, value as u8);
                if is_left {
                    insert(&mut left, value as u8);
                }
            }
        };
        match self {
            Table::Codes(columns) => {
                let column = &columns.columns[feature];
                let values = column.values();
                for &row in rows {
                    let code = column.code(row as usize) as u8;
                    see(values[usize::from(code)], in_set(set, code));
                }
            }
            Table::Values(values) => {
                let mut own = Vec::with_capacity(rows.len());
                values.gather(feature, rows, &mut own);
                own.into_iter().for_each(|value| see(value, goes_left(set, false, value)));
            }
        }
        if is_left_larger {
            for (left, (known, present)) in left.iter_mut().zip(known.iter().zip(present)) {
                *left |= known & !present;
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, MatRef};

    use super::{Set, known_categories};
    use crate::tree::columns::Columns;
    use crate::tree::dense::Dense;
    use crate::tree::grow::Table;
    use crate::tree::sparse::Values;

    fn dense(values: MatRef<'_, f32>) -> Dense<'_> {
        Dense::new(values, false, &Control::new()).unwrap()
    }

    #[test]
    fn categories_are_whole_numbers_up_to_255() {
        let values = [3.0, f32::NAN, 255.0, 3.0, 0.0];
        let view = MatRef::column_vector(&values);
        let columns =
            Columns::with_categories(view, Some(2), &[true], false, &Control::new()).unwrap();
        let mut set = Set::default();
        (set[0], set[7]) = (0b1001, 1 << 31);
        for table in [Table::Codes(&columns), Table::Values(Values::Plain(&dense(view)))] {
            assert_eq!(known_categories(table, &[true], None), Ok(vec![Some(set)]));
            assert_eq!(known_categories(table, &[false], Some(&[1])), Ok(vec![None]));
            assert!(known_categories(table, &[true], Some(&[1])).is_err());
            assert!(known_categories(table, &[true, true], None).is_err());
        }
        for wrong in [0.5, -1.0, 256.0, f32::INFINITY] {
            let values = [0.0, wrong];
            let table = Table::Values(Values::Plain(&dense(MatRef::column_vector(&values))));
            assert!(known_categories(table, &[true], None).is_err(), "{wrong}");
        }
        let many: Vec<f32> = (0..256).map(|i| i as f32).collect();
        let view = MatRef::column_vector(&many);
        let table = Table::Values(Values::Plain(&dense(view)));
        assert!(known_categories(table, &[true], None).is_err());
        assert!(Columns::with_categories(view, None, &[true], false, &Control::new()).is_err());
    }

    #[test]
    fn categories_that_are_not_in_the_node_join_the_larger_child() {
        let values = [1.0, 2.0, 4.0, 5.0, f32::NAN];
        let view = MatRef::column_vector(&values);
        let columns =
            Columns::with_categories(view, None, &[true], false, &Control::new()).unwrap();
        let known = known_categories(Table::Codes(&columns), &[true], None).unwrap()[0].unwrap();
        let set = |words: u32| {
            let mut set = Set::default();
            set[0] = words;
            set
        };
        // Codes 0 and 1 are the categories 1 and 2; the node lacks the categories 2 and 5.
        let left = |table: Table<'_>, cut: Set, is_left_larger| {
            table.left_categories(0, &[0, 2, 4], &cut, &known, is_left_larger)
        };
        assert_eq!(left(Table::Codes(&columns), set(0b1), false), set(1 << 1));
        assert_eq!(left(Table::Codes(&columns), set(0b1), true), set(1 << 1 | 1 << 2 | 1 << 5));
        let plain = Table::Values(Values::Plain(&dense(view)));
        assert_eq!(left(plain, set(1 << 1), true), set(1 << 1 | 1 << 2 | 1 << 5));
    }
}
