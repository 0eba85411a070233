//! Values of the leaves, once the tree has its shape.

use smelt_core::parallel;

use super::grower::Grower;
use super::loss::Loss;

/// Final values of the leaves, times the learning rate.
pub(super) fn set_leaves(
    grower: &mut Grower<'_>,
    loss: &dyn Loss,
    output: usize,
    y: &[f64],
    raw: &[f64],
    weight: Option<&[f64]>,
    learning_rate: f64,
) {
    let leaves: Vec<usize> =
        (0..grower.nodes.len()).filter(|&node| grower.nodes[node].children.is_none()).collect();
    let searched = if let Some(constant) = loss.leaf_constant(output) {
        let cost_ns = 20.0 * grower.rows.len() as f64 / leaves.len() as f64;
        parallel::map_chunks(leaves.len(), 1, cost_ns, |leaf, _| {
            let node = &grower.nodes[leaves[leaf]];
            let rows = grower.rows[node.start..node.stop].iter().map(|&row| row as usize);
            let residuals = rows.clone().map(|row| y[row] - raw[row]).collect();
            let weight = weight.map(|weight| rows.map(|row| weight[row]).collect());
            constant.best(residuals, weight)
        })
    } else {
        leaves.iter().map(|&leaf| grower.nodes[leaf].totals.value).collect()
    };
    for (&leaf, value) in leaves.iter().zip(searched) {
        grower.nodes[leaf].totals.value = learning_rate * value;
    }
}
