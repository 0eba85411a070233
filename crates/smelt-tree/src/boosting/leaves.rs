//! Values of the leaves, once the tree has its shape.

use smelt_core::parallel;

use super::grower::{GrowNode, Grower};
use super::loss::{Loss, Target};

/// Rows whose raw predictions one task adds to.
const RANGE: usize = 1 << 15;

/// Final values of the leaves, times the learning rate: the best constant, or further Newton steps,
/// where the loss or the caller want them.
pub(super) fn set_leaves(
    grower: &mut Grower<'_>,
    loss: &dyn Loss,
    output: usize,
    target: Target<'_>,
    raw: &[f64],
    learning_rate: f64,
    n_steps: usize,
) {
    let leaves: Vec<usize> =
        (0..grower.nodes.len()).filter(|&node| grower.nodes[node].children.is_none()).collect();
    let cost_ns = 20.0 * (n_steps * grower.rows.len()) as f64 / leaves.len() as f64;
    let rows_of =
        |node: &GrowNode| grower.rows[node.start..node.stop].iter().map(|&row| row as usize);
    let found = if let Some(constant) = loss.leaf_constant(output) {
        parallel::map_chunks(leaves.len(), 1, cost_ns, |leaf, _| {
            let rows = rows_of(&grower.nodes[leaves[leaf]]);
            let residuals = rows.clone().map(|row| target.y[row] - raw[row]).collect();
            let weight = target.weight.map(|weight| rows.map(|row| weight[row]).collect());
            constant.best(residuals, weight)
        })
    } else if n_steps > 1 && loss.of_row(0.0, 0.0).is_some() {
        parallel::map_chunks(leaves.len(), 1, cost_ns, |leaf, _| {
            let node = &grower.nodes[leaves[leaf]];
            let rows: Vec<[f64; 3]> = rows_of(node)
                .map(|row| [target.y[row], raw[row], target.weight.map_or(1.0, |w| w[row])])
                .collect();
            newton(grower, loss, node, &rows, n_steps - 1)
        })
    } else {
        leaves.iter().map(|&leaf| grower.nodes[leaf].totals.value).collect()
    };
    for (&leaf, value) in leaves.iter().zip(found) {
        grower.nodes[leaf].totals.value = learning_rate * value;
    }
}

/// Adds the values of the leaves to the raw predictions of their rows.
///
/// Row range by row range: raw predictions stay in the cache while every leaf adds to them.
pub(super) fn add_leaves(grower: &Grower<'_>, raw: &mut [f64]) {
    let leaves: Vec<&GrowNode> =
        grower.nodes.iter().filter(|node| node.children.is_none()).collect();
    parallel::for_chunks_mut(raw, 1, RANGE, 2.0, |_, range, raw| {
        for leaf in &leaves {
            // The rows of a leaf ascend.
            let rows = &grower.rows[leaf.start..leaf.stop];
            let first = rows.partition_point(|&row| (row as usize) < range.start);
            for &row in rows[first..].iter().take_while(|&&row| (row as usize) < range.end) {
                raw[row as usize - range.start] += leaf.totals.value;
            }
        }
    });
}

/// Further Newton steps from the first one: v ← −T(G − H·v) / (H + λ) with G, H at raw + v.
fn newton(
    grower: &Grower<'_>,
    loss: &dyn Loss,
    node: &GrowNode,
    rows: &[[f64; 3]],
    n_steps: usize,
) -> f64 {
    let totals = &node.totals;
    let mut value = totals.value;
    if rows.len() < grower.rules().min_samples_leaf as usize {
        return value;
    }
    for _ in 0..n_steps {
        let (mut gradient, mut hessian) = (0.0, 0.0);
        for &[y, raw, weight] in rows {
            let (g, h) = loss.of_row(y, raw + value).unwrap_or_default();
            gradient += weight * g;
            hessian += weight * h;
        }
        let next =
            grower.rules().value(gradient - hessian * value, hessian, totals.lower, totals.upper);
        let step = next - value;
        value = next;
        if step.abs() <= 1e-3 * value.abs() {
            break;
        }
    }
    value
}
