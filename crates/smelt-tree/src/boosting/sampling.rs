//! Rows drawn for an iteration.

use super::shuffler::Shuffler;

/// Marks the share of rows with the smallest of n uniform numbers; nothing is drawn for all rows.
pub(super) fn draw_rows(n: usize, share: f64, random: &mut Shuffler) -> Option<Vec<bool>> {
    if share >= 1.0 {
        return None;
    }
    let numbers: Vec<f64> = (0..n).map(|_| random.random.next_f64()).collect();
    let wanted = ((share * n as f64).ceil() as usize).clamp(1, n);
    let mut order: Vec<usize> = (0..n).collect();
    order.select_nth_unstable_by(wanted - 1, |&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut is_in = vec![false; n];
    order[..wanted].iter().for_each(|&row| is_in[row] = true);
    Some(is_in)
}
