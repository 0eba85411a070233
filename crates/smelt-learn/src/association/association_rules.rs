//! Rules "who has these items has those too", from sets of items and their supports.
//!
//! Cost: 2^length rules a set, each with two look-ups of supports in a hash table.
//!
//! Twin: `python/smelt/plain/association/association_rules.py`.
//!
//! 1. A table from sets to supports.
//! 2. Each set is split in two in all ways, the longest antecedents first.
//! 3. Measures of each rule; those whose measure reaches the threshold are kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::{Control, Error, Result};

/// What a rule is judged by, in the order of the columns of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// P(A).
    AntecedentSupport,
    /// P(C).
    ConsequentSupport,
    /// P(A, C).
    Support,
    /// P(C | A).
    Confidence,
    /// P(A, C) / (P(A) P(C)).
    Lift,
    /// Share of transactions in which nothing is missing: 1.
    Representativity,
    /// P(A, C) − P(A) P(C).
    Leverage,
    /// (1 − P(C)) / (1 − P(C | A)).
    Conviction,
    /// Zhang's: leverage over its largest possible size.
    ZhangsMetric,
    /// P(A, C) / P(A or C).
    Jaccard,
    /// (P(C | A) − P(C)) / (1 − P(C)).
    Certainty,
    /// (P(C | A) + P(A | C)) / 2.
    Kulczynski,
}

/// Number of measures.
pub(super) const N_MEASURES: usize = 12;

/// Parameters of [`association_rules_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssociationRulesParams {
    /// What is compared with the threshold.
    pub metric: Metric,
    /// Least value of the measure.
    pub min_threshold: f64,
    /// Whether supports of parts are not needed: other measures are NaN.
    pub support_only: bool,
    /// Most rules there is room for.
    pub max_rules: usize,
}

/// Rules behind each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssociationRules {
    /// Rule i: antecedents `antecedents.1[antecedents.0[i]..antecedents.0[i + 1]]`.
    pub antecedents: (Vec<i64>, Vec<i32>),
    /// The same for consequents.
    pub consequents: (Vec<i64>, Vec<i32>),
    /// [`N_MEASURES`] a rule.
    pub measures: Vec<f64>,
    /// Sets without whose support a rule could not be judged: the first of them.
    pub missing: Option<Vec<i32>>,
}

/// Makes rules of sets `items[indptr[i]..indptr[i + 1]]`, and their supports.
pub fn association_rules_fit(
    indptr: &[i64],
    items: &[i32],
    support: &[f64],
    params: &AssociationRulesParams,
    control: &Control,
) -> Result<AssociationRules> {
    let n = indptr.len().saturating_sub(1);
    let ordered = indptr.windows(2).all(|pair| 0 <= pair[0] && pair[0] <= pair[1]);
    if !ordered
        || support.len() != n
        || indptr.last().is_some_and(|&end| end as usize > items.len())
    {
        return Err(Error::data("the item sets are damaged"));
    }
    let mut items = items.to_vec();
    for pair in indptr.windows(2) {
        items[pair[0] as usize..pair[1] as usize].sort_unstable();
    }
    let set = |i: usize| &items[indptr[i] as usize..indptr[i + 1] as usize];
    let n_rules: f64 =
        (0..n).map(|i| (set(i).len() as f64).exp2() - 2.0).filter(|&n| n > 0.0).sum();
    let longest = (0..n).map(|i| set(i).len()).max().unwrap_or(0);
    if longest > 30 || n_rules > 64.0 * params.max_rules as f64 {
        return Err(Error::data(format!(
            "sets of up to {longest} items make {n_rules:.3e} rules, which cannot be looked through; \
             find sets with a larger min_support or a max_len"
        )));
    }
    // 1.
    let mut known: HashMap<&[i32], f64> = HashMap::with_capacity(n);
    (0..n).for_each(|i| {
        known.insert(set(i), support[i]);
    });
    let chunk = chunk_size(n, 64);
    let n_kept = AtomicUsize::new(0);
    let cost = 300.0 * n_rules / n.max(1) as f64;
    let parts = map_chunks(n, chunk, cost, |_, range| {
        let mut out = AssociationRules::default();
        let (mut antecedent, mut consequent) = (Vec::new(), Vec::new());
        for i in range {
            let (set, support) = (set(i), support[i]);
            // 2.
            for size in (1..set.len()).rev() {
                let mut chosen: Vec<usize> = (0..size).collect();
                for step in 0_usize.. {
                    let is_full = || n_kept.load(Ordering::Relaxed) > params.max_rules;
                    if step % 4096 == 0 && (control.check().is_err() || is_full()) {
                        return out;
                    }
                    split(set, &chosen, &mut antecedent, &mut consequent);
                    // 3.
                    let parts = if params.support_only {
                        (f64::NAN, f64::NAN)
                    } else {
                        let parts = (known.get(&antecedent[..]), known.get(&consequent[..]));
                        let (Some(&a), Some(&c)) = parts else {
                            let is_first = parts.0.is_none();
                            let missing = if is_first { antecedent } else { consequent };
                            out.missing = Some(missing);
                            return out;
                        };
                        (a, c)
                    };
                    let measures = measures(parts.0, parts.1, support, params.support_only);
                    if measures[params.metric as usize] >= params.min_threshold {
                        n_kept.fetch_add(1, Ordering::Relaxed);
                        out.antecedents.1.extend_from_slice(&antecedent);
                        out.antecedents.0.push(out.antecedents.1.len() as i64);
                        out.consequents.1.extend_from_slice(&consequent);
                        out.consequents.0.push(out.consequents.1.len() as i64);
                        out.measures.extend_from_slice(&measures);
                    }
                    if !next_choice(&mut chosen, set.len()) {
                        break;
                    }
                }
            }
        }
        out
    });
    control.check()?;
    if n_kept.into_inner() > params.max_rules {
        return Err(Error::data(format!(
            "there are more than {} rules, for which there is no room in memory; raise \
             min_threshold, or find sets with a larger min_support or a max_len",
            params.max_rules
        )));
    }
    let mut out = AssociationRules {
        antecedents: (vec![0], vec![]),
        consequents: (vec![0], vec![]),
        ..Default::default()
    };
    for part in parts {
        for (all, part) in
            [(&mut out.antecedents, part.antecedents), (&mut out.consequents, part.consequents)]
        {
            let start = all.1.len() as i64;
            all.0.extend(part.0.iter().map(|end| start + end));
            all.1.extend(part.1);
        }
        out.measures.extend(part.measures);
        if out.missing.is_none() {
            out.missing = part.missing;
        }
    }
    Ok(out)
}

/// Chosen items and the others, both ascending.
fn split(set: &[i32], chosen: &[usize], antecedent: &mut Vec<i32>, consequent: &mut Vec<i32>) {
    antecedent.clear();
    consequent.clear();
    let mut next = 0;
    for (place, &item) in set.iter().enumerate() {
        if chosen.get(next) == Some(&place) {
            next += 1;
            antecedent.push(item);
        } else {
            consequent.push(item);
        }
    }
}

/// The next choice in order of `itertools.combinations`; false behind the last one.
fn next_choice(chosen: &mut [usize], n: usize) -> bool {
    let size = chosen.len();
    for place in (0..size).rev() {
        if chosen[place] < n - size + place {
            chosen[place] += 1;
            for later in place + 1..size {
                chosen[later] = chosen[later - 1] + 1;
            }
            return true;
        }
    }
    false
}

/// All measures, in the order of [`Metric`].
fn measures(a: f64, c: f64, both: f64, support_only: bool) -> [f64; N_MEASURES] {
    if support_only {
        let mut measures = [f64::NAN; N_MEASURES];
        measures[Metric::Support as usize] = both;
        return measures;
    }
    let confidence = both / a;
    let leverage = both - a * c;
    let conviction = if confidence < 1.0 { (1.0 - c) / (1.0 - confidence) } else { f64::INFINITY };
    let largest = (both * (1.0 - a)).max(a * (c - both));
    let zhang = if largest == 0.0 { 0.0 } else { leverage / largest };
    let certainty = if c == 1.0 { 0.0 } else { (confidence - c) / (1.0 - c) };
    [
        a,
        c,
        both,
        confidence,
        confidence / c,
        1.0,
        leverage,
        conviction,
        zhang,
        both / (a + c - both),
        certainty,
        (both / a + both / c) / 2.0,
    ]
}

#[cfg(test)]
mod tests {
    use super::{AssociationRulesParams, Metric, association_rules_fit, next_choice};
    use smelt_core::Control;

    #[test]
    fn choices_come_in_order() {
        let mut chosen = vec![0, 1];
        let mut all = vec![chosen.clone()];
        while next_choice(&mut chosen, 4) {
            all.push(chosen.clone());
        }
        assert_eq!(all, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
    }

    #[test]
    fn rules_of_a_pair() {
        let params = AssociationRulesParams {
            metric: Metric::Confidence,
            min_threshold: 0.6,
            support_only: false,
            max_rules: 100,
        };
        let (indptr, items) = ([0, 1, 2, 4], [0, 1, 0, 1]);
        let fit = |items: &[i32], support: &[f64]| {
            association_rules_fit(&indptr, items, support, &params, &Control::new()).unwrap()
        };
        let rules = fit(&items, &[0.8, 0.4, 0.3]);
        assert_eq!(rules.antecedents, (vec![0, 1], vec![1]));
        assert!((rules.measures[4] - 0.75 / 0.8).abs() < 1e-15);
        assert_eq!(fit(&[0, 2, 0, 1], &[0.8, 0.4, 0.3]).missing, Some(vec![1]));
    }
}
