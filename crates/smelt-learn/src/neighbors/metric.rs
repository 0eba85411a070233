//! Distances that trees can search by: sums (or the largest) of a term a column.
//!
//! Kernels work on *reduced* distances, e.g. squares, which order points as distances do and cost no
//! root.  Terms are summed column by column with a rounding each, as the twin and scikit-learn do, so
//! all ways to search see the same bits and agree on ties.

use serde::Deserialize;
use smelt_core::{Error, Result};

/// How far apart two points are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Root of the sum of squares.
    Euclidean,
    /// Sum of absolute differences.
    Manhattan,
    /// Largest absolute difference.
    Chebyshev,
    /// (Σ |difference|^p)^(1/p).
    Minkowski,
}

/// A metric as the kernels use it.
pub(crate) trait Distance: Copy + Send + Sync {
    /// What a column adds.
    fn term(self, difference: f64) -> f64;
    /// Joins what columns add.
    #[inline(always)]
    fn join(self, sum: f64, term: f64) -> f64 {
        sum + term
    }
    /// The distance for a reduced one.
    fn distance(self, reduced: f64) -> f64;
    /// The reduced distance for one.
    fn reduced(self, distance: f64) -> f64;
    /// Power that makes reduced distances of distances: rounding grows with it.
    #[inline(always)]
    fn power(self) -> f64 {
        2.0
    }
    /// Factor that keeps bounds below what rounding may make of distances: 1 where terms never
    /// fall when differences grow.
    const SLACK: f64 = 1.0;
}

#[derive(Clone, Copy)]
pub(crate) struct Euclidean;
#[derive(Clone, Copy)]
pub(crate) struct Manhattan;
#[derive(Clone, Copy)]
pub(crate) struct Chebyshev;
#[derive(Clone, Copy)]
pub(crate) struct Minkowski(pub(crate) f64);

impl Distance for Euclidean {
    #[inline(always)]
    fn term(self, difference: f64) -> f64 {
        difference * difference
    }
    #[inline(always)]
    fn distance(self, reduced: f64) -> f64 {
        reduced.sqrt()
    }
    #[inline(always)]
    fn reduced(self, distance: f64) -> f64 {
        distance * distance
    }
}

impl Distance for Manhattan {
    #[inline(always)]
    fn term(self, difference: f64) -> f64 {
        difference.abs()
    }
    #[inline(always)]
    fn distance(self, reduced: f64) -> f64 {
        reduced
    }
    #[inline(always)]
    fn reduced(self, distance: f64) -> f64 {
        distance
    }
}

impl Distance for Chebyshev {
    #[inline(always)]
    fn term(self, difference: f64) -> f64 {
        difference.abs()
    }
    #[inline(always)]
    fn join(self, sum: f64, term: f64) -> f64 {
        // A NaN in the first column stays: padding never counts.
        if term > sum { term } else { sum }
    }
    #[inline(always)]
    fn distance(self, reduced: f64) -> f64 {
        reduced
    }
    #[inline(always)]
    fn reduced(self, distance: f64) -> f64 {
        distance
    }
}

impl Distance for Minkowski {
    #[inline(always)]
    fn term(self, difference: f64) -> f64 {
        difference.abs().powf(self.0)
    }
    #[inline(always)]
    fn distance(self, reduced: f64) -> f64 {
        reduced.powf(1.0 / self.0)
    }
    #[inline(always)]
    fn reduced(self, distance: f64) -> f64 {
        distance.powf(self.0)
    }
    #[inline(always)]
    fn power(self) -> f64 {
        self.0 + 1.0
    }
    const SLACK: f64 = 1.0 - 1e-14;
}

impl Metric {
    /// The metric of a name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "euclidean" => Ok(Self::Euclidean),
            "manhattan" => Ok(Self::Manhattan),
            "chebyshev" => Ok(Self::Chebyshev),
            "minkowski" => Ok(Self::Minkowski),
            _ => Err(Error::parameter("metric", format!("{name:?} is none that is known here"))),
        }
    }

    /// Refuses a power that makes no metric.
    pub(crate) fn check(self, p: f64) -> Result<()> {
        if self == Metric::Minkowski && !(p >= 1.0 && p.is_finite()) {
            let message = format!("must be a finite number of at least 1 for a tree, got {p}");
            return Err(Error::parameter("p", message));
        }
        Ok(())
    }
}

/// Evaluates an expression with `$distance` bound to the metric's own type.
macro_rules! by_metric {
    ($metric:expr, $p:expr, |$distance:ident| $body:expr) => {
        match $metric {
            $crate::neighbors::metric::Metric::Euclidean => {
                let $distance = $crate::neighbors::metric::Euclidean;
                $body
            }
            $crate::neighbors::metric::Metric::Manhattan => {
                let $distance = $crate::neighbors::metric::Manhattan;
                $body
            }
            $crate::neighbors::metric::Metric::Chebyshev => {
                let $distance = $crate::neighbors::metric::Chebyshev;
                $body
            }
            $crate::neighbors::metric::Metric::Minkowski => {
                let $distance = $crate::neighbors::metric::Minkowski($p);
                $body
            }
        }
    };
}
pub(crate) use by_metric;
