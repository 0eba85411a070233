//! What the caller may do in an iteration: give the gradients, look at the predictions, stop.

use std::fmt;

use smelt_core::{Error, Result};

use super::rows::Rows;
use super::trees::Trees;

/// Gives gradients and curvatures for raw predictions, all output by output.
pub type Objective<'a> = dyn FnMut(&[f64]) -> Result<(Vec<f64>, Vec<f64>)> + Send + 'a;
/// Looks at an iteration; true stops the fit after it.
pub type Monitor<'a> = dyn FnMut(Round<'_>) -> Result<bool> + Send + 'a;

/// The caller's part in an iteration.
#[derive(Default)]
pub struct Hooks<'a> {
    /// Custom loss.
    pub objective: Option<Box<Objective<'a>>>,
    /// Called after each iteration.
    pub monitor: Option<Box<Monitor<'a>>>,
    /// Whether the monitor is shown the trees too.
    pub wants_trees: bool,
}

impl fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("wants_trees", &self.wants_trees).finish_non_exhaustive()
    }
}

/// The state after an iteration.
#[derive(Debug)]
pub struct Round<'a> {
    /// Iterations of this fit.
    pub n_iter: usize,
    /// Raw predictions of the training rows, output by output.
    pub raw: &'a [f64],
    /// Of the validation rows.
    pub validation_raw: Option<&'a [f64]>,
    /// Of the evaluation rows.
    pub evaluations: Vec<&'a [f64]>,
    /// The trees of this fit, where wanted.
    pub trees: Option<Trees>,
}

/// Fills in the gradients that the caller gives, times the weights.
pub(super) fn fill(
    objective: &mut Box<Objective<'_>>,
    training: &Rows<'_>,
    out: &mut [[f32; 2]],
) -> Result<()> {
    let (gradients, hessians) = objective(&training.raw)?;
    if gradients.len() != out.len() || hessians.len() != out.len() {
        return Err(Error::data(
            "the objective must give a gradient and a curvature a raw prediction",
        ));
    }
    let n = training.y.len();
    let n_outputs = out.len() / n;
    for (row, out) in out.chunks_exact_mut(n_outputs).enumerate() {
        let scale = training.weight.map_or(1.0, |weight| weight[row]);
        for (output, out) in out.iter_mut().enumerate() {
            let at = output * n + row;
            *out = [(scale * gradients[at]) as f32, (scale * hessians[at]) as f32];
        }
    }
    if out.iter().flatten().any(|value| !value.is_finite()) {
        return Err(Error::data("the objective gave a gradient or a curvature that is not finite"));
    }
    Ok(())
}
