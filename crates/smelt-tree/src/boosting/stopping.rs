//! Early stopping.

/// No score among the last few better by `tol` than the one before them.
pub(super) fn has_stalled(scores: &[f64], n_iter_no_change: usize, tol: f64) -> bool {
    let window = n_iter_no_change + 1;
    if scores.len() < window {
        return false;
    }
    let recent = &scores[scores.len() - window..];
    !recent[1..].iter().any(|&score| score > recent[0] + tol)
}
