"""Writes the stubs of a new algorithm in every layer, e.g. of ``linear_model.HuberRegressor``.

What it writes does not compile to something useful; each file says what belongs there, in the order
in which CONTRIBUTING.md tells to fill them.  Existing files are never touched.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[1]

LAYERS = {
    "python/smelt/plain/$family/$algorithm.py": '''\
"""$Class in NumPy.  Kernel: ``$crate/$family/$algorithm.rs``."""

import numpy as np


def ${algorithm}_fit(X, y, *, sample_weight=None):
    # 1. Say what this step does and which formula it uses.
    raise NotImplementedError("write the mathematics first: 15 to 120 lines")
''',
    "crates/$crate/src/$family/$algorithm.rs": """\
//! $Class by <method>.  Twin: `smelt.plain.$family.$algorithm`.
//!
//! Cost: <flops> and <bytes moved>; aim at that limit.

use serde::Deserialize;
use smelt_core::{Control, MatRef, Real, Result};

/// Parameters of [`${algorithm}_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ${Class}Params {}

/// What [`${algorithm}_fit`] learned.
#[derive(Debug, Clone)]
pub struct ${Class}Fit<T> {
    /// Coefficients, one for each column.
    pub coef: Vec<T>,
}

/// Fits the model.
pub fn ${algorithm}_fit<T: Real>(
    x: MatRef<'_, T>,
    y: &[T],
    sample_weight: Option<&[f64]>,
    params: &${Class}Params,
    control: &Control,
) -> Result<${Class}Fit<T>> {
    // 1. The same numbered steps as in the twin.
}
""",
    "python/smelt/$family/$algorithm.py": '''\
"""$Class: one sentence."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, RegressorMixin

from smelt._kernel import kernel
from smelt._validate import validate_fit, validate_predict, validate_weight


class $Class(RegressorMixin, BaseEstimator):
    """One sentence.

        minimize over w:   <objective>

    <Method and stopping rule.>

    Parameters
    ----------

    Attributes
    ----------

    Notes
    -----
    <Cost in big-O; deviations from scikit-learn or the paper.>

    References
    ----------

    Examples
    --------
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> $Class:
        """Fit the model."""
        X, y = validate_fit(self, X, y)
        sample_weight = validate_weight(sample_weight, X)
        fit = kernel("$family.${algorithm}_fit")(X, y, sample_weight)
        self.coef_ = fit["coef"]
        return self
''',
    "tests/$family/test_$algorithm.py": '''\
"""$Class equals its twin and a trusted library, is optimal, and keeps its bits."""

import numpy as np
import pytest

import smelt
from smelt.$family import $Class

# equals the twin · equals scikit-learn · optimality or invariance · f32 and f64 · weights ·
# 1, 2 and 7 threads give the same bits · bad input · pickle and file round trip
''',
    "benchmarks/$family/$algorithm.py": '''\
"""$Class beside its twin, scikit-learn and the fastest peer."""

from harness import Workload

WORKLOADS: list[Workload] = []
''',
    "docs/lessons/$family/$algorithm.md": """\
---
file_format: mystnb
kernelspec:
  name: python3
---

# $Class

The idea in words · the formula · the twin · the kernel and what makes it fast · an experiment ·
the measured ratio · an exercise with its solution · where to read on.
""",
}


def main() -> int:
    """Write the files that do not exist and say what to do next."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="family.Class, e.g. linear_model.HuberRegressor")
    parser.add_argument("--crate", default="smelt-learn", help="crate of the kernel")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args()
    match = re.fullmatch(r"([a-z_]+)\.([A-Z][A-Za-z0-9]+)", options.name)
    if match is None:
        parser.error(f"{options.name!r} is not of the form family.Class")
    family, class_name = match.groups()
    names = {
        "family": family,
        "Class": class_name,
        "algorithm": re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name).lower(),
        "crate": options.crate,
    }
    for pattern, body in LAYERS.items():
        path = options.root / Template(pattern).substitute(names)
        if path.exists():
            print(f"exists   {path.relative_to(options.root)}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(body).safe_substitute(names), encoding="utf-8")
        print(f"written  {path.relative_to(options.root)}")
    print(
        f"then     crates/smelt-python/src/{family}.rs: bind {names['algorithm']}_fit\n"
        f"         python/smelt/{family}/__init__.py and _native.py: name {class_name}\n"
        "         CHANGELOG.md: one line; `make layers` says what is still missing"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
