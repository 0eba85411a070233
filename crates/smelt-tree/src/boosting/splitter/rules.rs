//! What the splitter must respect, and the values that nodes take.
//!
//! With T(G) = sign(G)·max(abs(G) − α, 0), the value of a node is v = −T(G) / (H + λ), cut off at
//! ± `max_delta_step` and at the bounds of monotonic constraints; it lowers the loss by
//! −(2·T(G)·v + (H + λ)·v²).

/// Penalties and limits of a cut.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) min_samples_leaf: u32,
    /// λ.
    pub(crate) l2_regularization: f64,
    /// α.
    pub(crate) l1_regularization: f64,
    /// Gains must be above this.
    pub(crate) min_gain: f64,
    /// Smallest sum of curvatures in a child.
    pub(crate) min_hessian: f64,
    /// Largest absolute value of a node; infinite without a limit.
    pub(crate) max_delta_step: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            min_samples_leaf: 20,
            l2_regularization: 0.0,
            l1_regularization: 0.0,
            min_gain: 0.0,
            min_hessian: 1e-3,
            max_delta_step: f64::INFINITY,
        }
    }
}

impl Rules {
    /// Whether v = −G / (H + λ) holds, but for monotonic constraints.
    #[inline(always)]
    pub(crate) fn are_plain(&self) -> bool {
        self.l1_regularization == 0.0 && self.max_delta_step == f64::INFINITY
    }

    /// T(G).
    #[inline(always)]
    fn shrunk(&self, gradient: f64) -> f64 {
        let size = gradient.abs() - self.l1_regularization;
        if size > 0.0 { size.copysign(gradient) } else { 0.0 }
    }

    /// v = −G / (H + λ).
    #[inline(always)]
    pub(super) fn free_value(&self, gradient: f64, hessian: f64) -> f64 {
        -gradient / (hessian + self.l2_regularization + 1e-15)
    }

    /// v, within the bounds.
    #[inline(always)]
    pub(crate) fn value(&self, gradient: f64, hessian: f64, lower: f64, upper: f64) -> f64 {
        let mut value = if self.are_plain() {
            self.free_value(gradient, hessian)
        } else {
            let limit = self.max_delta_step;
            self.free_value(self.shrunk(gradient), hessian).clamp(-limit, limit)
        };
        if value < lower {
            value = lower;
        } else if value > upper {
            value = upper;
        }
        value
    }

    /// How much the value `value` lowers the loss of a node.
    #[inline(always)]
    pub(super) fn saving(&self, gradient: f64, hessian: f64, value: f64) -> f64 {
        let curvature = hessian + self.l2_regularization;
        -(2.0 * self.shrunk(gradient) * value + curvature * value * value)
    }
}
