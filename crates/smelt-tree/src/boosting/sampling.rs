//! Rows drawn for an iteration.

use super::shuffler::Shuffler;

/// Marks the share of rows with the smallest of n uniform numbers; nothing is drawn for all rows.
pub(super) fn draw_rows(n: usize, share: f64, random: &mut Shuffler) -> Option<Vec<bool>> {
    if share >= 1.0 {
        return None;
    }
    let numbers: Vec<f64> = (0..n).map(|_| random.random.next_f64()).collect();
    let wanted = ((share * n as f64).ceil() as usize).clamp(1, n);
    let mut is_in = vec![false; n];
    first(&mut (0..n).collect::<Vec<_>>(), wanted, |&row| numbers[row])
        .iter()
        .for_each(|&row| is_in[row] = true);
    Some(is_in)
}

/// Gradient-based one-side sampling (Ke et al., 2017): all rows of the largest abs(g·h), summed over
/// the outputs, and a share of the others, whose gradients grow by (1 − a) / b in return.
///
/// Returns the marked rows and the factors on their gradients.
pub(super) fn draw_by_gradient(
    gradients: &mut [[f32; 2]],
    n_outputs: usize,
    (top, other): (f64, f64),
    random: &mut Shuffler,
) -> (Vec<bool>, Vec<f64>) {
    let n = gradients.len() / n_outputs;
    let size: Vec<f64> = gradients
        .chunks_exact(n_outputs)
        .map(|row| row.iter().map(|&[g, h]| (f64::from(g) * f64::from(h)).abs()).sum())
        .collect();
    let numbers: Vec<f64> = (0..n).map(|_| random.random.next_f64()).collect();
    let n_top = ((top * n as f64) as usize).clamp(1, n);
    let n_other = ((other * n as f64) as usize).clamp(1, n).min(n - n_top);
    let (mut is_in, mut factor) = (vec![false; n], vec![1.0; n]);
    for &row in first(&mut (0..n).collect::<Vec<_>>(), n_top, |&row| -size[row]).iter() {
        is_in[row] = true;
    }
    let mut rest: Vec<usize> = (0..n).filter(|&row| !is_in[row]).collect();
    let grown = (n - n_top) as f64 / n_other.max(1) as f64;
    for &row in first(&mut rest, n_other, |&row| numbers[row]).iter() {
        is_in[row] = true;
        factor[row] = grown;
        for pair in &mut gradients[row * n_outputs..(row + 1) * n_outputs] {
            *pair = pair.map(|value| (f64::from(value) * grown) as f32);
        }
    }
    (is_in, factor)
}

/// The `wanted` rows of the smallest keys, equal ones in their order.
fn first(rows: &mut [usize], wanted: usize, key: impl Fn(&usize) -> f64) -> &[usize] {
    if wanted == 0 {
        return &[];
    }
    rows.select_nth_unstable_by(wanted - 1, |a, b| key(a).total_cmp(&key(b)).then(a.cmp(b)));
    &rows[..wanted]
}
