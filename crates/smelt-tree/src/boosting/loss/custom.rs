//! A loss whose gradients the caller gives.

use smelt_core::Result;

use super::{Loss, Target};

/// The number of its outputs is all that is known of it.
#[derive(Debug)]
pub(super) struct Custom(pub(super) usize);

impl Loss for Custom {
    fn n_outputs(&self) -> usize {
        self.0
    }

    fn check_target(&self, _: Target<'_>) -> Result<()> {
        Ok(())
    }

    fn baseline(&self, _: Target<'_>) -> Vec<f64> {
        vec![0.0; self.0]
    }

    fn gradients(&self, _: Target<'_>, _: &[f64], out: &mut [[f32; 2]]) {
        out.fill([0.0; 2]);
    }

    fn mean(&self, _: Target<'_>, _: &[f64]) -> f64 {
        f64::NAN
    }
}
