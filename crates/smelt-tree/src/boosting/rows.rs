//! What boosting learns from: rows, and constraints on the features.

use smelt_core::{Error, Result};

use super::loss::{Loss, Target};
use super::splitter::Feature;
use crate::bins::BordersRef;
use crate::layout::Bins;

/// Rows to learn from or to validate on.
#[derive(Debug)]
pub struct Rows<'a> {
    /// Bins; grouped where trees are grown on them.
    pub bins: Bins<'a>,
    /// Targets, or class codes.
    pub y: &'a [f64],
    /// Weights.
    pub weight: Option<&'a [f64]>,
    /// Where each query starts, and the last ends; for rankings.
    pub groups: Option<&'a [i64]>,
    /// The numbers themselves, feature-major, for linear leaves.
    pub numbers: Option<&'a [f64]>,
    /// Raw predictions so far, output by output.
    pub raw: Vec<f64>,
}

impl<'a> Rows<'a> {
    /// What the loss looks at.
    pub(super) fn target(&self) -> Target<'a> {
        Target { y: self.y, weight: self.weight, groups: self.groups }
    }
}

/// Rows whose raw predictions are followed.
#[derive(Debug)]
pub struct Evaluation<'a> {
    /// Bins; grouped where trees are grown on them.
    pub bins: Bins<'a>,
    /// The numbers themselves, feature-major, for linear leaves.
    pub numbers: Option<&'a [f64]>,
    /// Raw predictions so far, output by output.
    pub raw: Vec<f64>,
}

/// Constraints on the features.
#[derive(Debug, Default)]
pub struct Constraints<'a> {
    /// 1, 0 or -1 for each feature.
    pub monotonic: Option<&'a [i8]>,
    /// Groups of features that may meet in one branch.
    pub interactions: Option<Vec<Vec<usize>>>,
}

/// Refuses rows whose parts do not match.
pub(super) fn check_rows(rows: &Rows<'_>, borders: &BordersRef<'_>, loss: &dyn Loss) -> Result<()> {
    let (n, n_features) = (rows.y.len(), borders.n_features());
    let sound = n > 0
        && n_features > 0
        && u32::try_from(n).is_ok()
        && rows.bins.n_rows() == n
        && are_within(&rows.bins, borders)
        && rows.raw.len() == n * loss.n_outputs()
        && rows.numbers.is_none_or(|numbers| numbers.len() == n * n_features)
        && rows.weight.is_none_or(|weight| weight.len() == n);
    if !sound {
        return Err(Error::data("bins, targets, weights and raw predictions do not match"));
    }
    loss.check_target(rows.target())
}

/// Whether there are bins of all features, and none beyond that for missing values.
fn are_within(bins: &Bins<'_>, borders: &BordersRef<'_>) -> bool {
    let largest = bins.largest();
    largest.len() == borders.n_features()
        && largest.iter().enumerate().all(|(j, &bin)| usize::from(bin) <= borders.n_bins(j))
}

/// The columns as the splitter sees them.
pub(super) fn features(
    training: &Rows<'_>,
    borders: &BordersRef<'_>,
    monotonic: Option<&[i8]>,
) -> Result<Vec<Feature>> {
    let (n_features, largest) = (borders.n_features(), training.bins.largest());
    if monotonic.is_some_and(|signs| signs.len() != n_features) {
        return Err(Error::parameter("monotonic_cst", "needs one sign for each feature"));
    }
    (0..n_features)
        .map(|index| {
            let n_bins = borders.n_bins(index);
            let feature = Feature {
                index,
                n_bins,
                // The bin of missing values is the last.
                has_missing: usize::from(largest[index]) == n_bins,
                is_categorical: borders.is_categorical(index),
                monotonic: monotonic.map_or(0, |signs| signs[index]),
            };
            if feature.is_categorical && feature.monotonic != 0 {
                return Err(Error::data("Categorical features cannot have monotonic constraints."));
            }
            Ok(feature)
        })
        .collect()
}

/// Refuses evaluation rows whose parts do not match.
pub(super) fn check_evaluation(
    rows: &Evaluation<'_>,
    borders: &BordersRef<'_>,
    n_outputs: usize,
) -> Result<()> {
    let n = rows.raw.len() / n_outputs;
    let sound = n > 0
        && rows.raw.len() == n * n_outputs
        && rows.bins.n_rows() == n
        && are_within(&rows.bins, borders)
        && rows.numbers.is_none_or(|numbers| numbers.len() == n * borders.n_features());
    if sound { Ok(()) } else { Err(Error::data("the rows of an evaluation set do not match")) }
}
