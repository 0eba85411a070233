//! What the ground floor shows to Python: threads, random numbers, and two doors for tests.

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_core::{Error, Pcg64, parallel};

use crate::arrays::to_array1;
use crate::enter::{enter, raise};

/// NumPy's generator, taken over by its state.
///
/// Accepts a `numpy.random.Generator`, a `PCG64`, the dict `PCG64().state`, or the pair
/// `(state, increment)` of integers.
pub(crate) struct Rng(pub(crate) Pcg64);

impl<'py> FromPyObject<'_, 'py> for Rng {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok((state, increment)) = object.extract::<(u128, u128)>() {
            return Ok(Self(Pcg64::from_state(state, increment)));
        }
        let mut object = object.to_owned();
        for name in ["bit_generator", "state"] {
            if object.hasattr(name)? {
                object = object.getattr(name)?;
            }
        }
        let kind = object.get_item("bit_generator").and_then(|kind| kind.extract::<String>());
        if !kind.is_ok_and(|kind| kind == "PCG64") {
            return Err(raise(
                object.py(),
                "InvalidParameterError",
                "the random generator must be NumPy's PCG64, as numpy.random.default_rng() makes it"
                    .to_string(),
            ));
        }
        let state = object.get_item("state")?;
        let rng = Pcg64::from_state(
            state.get_item("state")?.extract()?,
            state.get_item("inc")?.extract()?,
        );
        let waiting = object.get_item("has_uint32")?.extract::<i64>()? != 0;
        let half = object.get_item("uinteger")?.extract::<u32>()?;
        Ok(Self(rng.with_half(waiting.then_some(half))))
    }
}

impl Rng {
    /// The state as NumPy's dict, to assign to `rng.bit_generator.state`.
    pub(crate) fn to_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (state, increment) = self.0.state();
        let inner = PyDict::new(py);
        inner.set_item("state", state)?;
        inner.set_item("inc", increment)?;
        let outer = PyDict::new(py);
        outer.set_item("bit_generator", "PCG64")?;
        outer.set_item("state", inner)?;
        outer.set_item("has_uint32", i32::from(self.0.half().is_some()))?;
        outer.set_item("uinteger", self.0.half().unwrap_or(0))?;
        Ok(outer)
    }
}

/// Numbers drawn, and the state of the generator after that.
type Drawn<'py, T> = (Bound<'py, PyArray1<T>>, Bound<'py, PyDict>);

fn drawn<'py, T: numpy::Element>(
    py: Python<'py>,
    mut rng: Rng,
    draw: impl FnOnce(&mut Pcg64) -> Vec<T>,
) -> PyResult<Drawn<'py, T>> {
    let values = draw(&mut rng.0);
    Ok((to_array1(py, values), rng.to_state(py)?))
}

fn to_i64(items: Vec<usize>) -> Vec<i64> {
    items.into_iter().map(|item| item as i64).collect()
}

/// Threads that kernels may use at most.
#[pyfunction]
fn max_threads() -> usize {
    parallel::max_threads()
}

/// `Generator.random(size)`, and the state after it.
#[pyfunction]
fn rng_random(py: Python<'_>, rng: Rng, size: usize) -> PyResult<Drawn<'_, f64>> {
    drawn(py, rng, |rng| (0..size).map(|_| rng.next_f64()).collect())
}

/// `Generator.random(size, dtype=np.float32)`, and the state after it.
#[pyfunction]
fn rng_random_f32(py: Python<'_>, rng: Rng, size: usize) -> PyResult<Drawn<'_, f32>> {
    drawn(py, rng, |rng| (0..size).map(|_| rng.next_f32()).collect())
}

/// `Generator.uniform(low, high, size)`, and the state after it.
#[pyfunction]
fn rng_uniform(
    py: Python<'_>,
    rng: Rng,
    low: f64,
    high: f64,
    size: usize,
) -> PyResult<Drawn<'_, f64>> {
    drawn(py, rng, |rng| (0..size).map(|_| rng.uniform(low, high)).collect())
}

/// `Generator.integers(low, high, size)`, and the state after it.
#[pyfunction]
fn rng_integers(
    py: Python<'_>,
    rng: Rng,
    low: i64,
    high: i64,
    size: usize,
) -> PyResult<Drawn<'_, i64>> {
    drawn(py, rng, |rng| (0..size).map(|_| rng.integers(low, high)).collect())
}

/// `Generator.permutation(n)`, and the state after it.
#[pyfunction]
fn rng_permutation(py: Python<'_>, rng: Rng, n: usize) -> PyResult<Drawn<'_, i64>> {
    drawn(py, rng, |rng| to_i64(rng.permutation(n)))
}

/// `Generator.choice(n, size, replace)`, and the state after it.
#[pyfunction]
fn rng_choice(
    py: Python<'_>,
    rng: Rng,
    n: usize,
    size: usize,
    replace: bool,
) -> PyResult<Drawn<'_, i64>> {
    drawn(py, rng, |rng| {
        to_i64(if replace { rng.choice_with_replacement(n, size) } else { rng.choice(n, size) })
    })
}

/// `Generator.choice(len(p), size, p=p)`, and the state after it.
#[pyfunction]
fn rng_choice_weighted(
    py: Python<'_>,
    rng: Rng,
    p: Vec<f64>,
    size: usize,
) -> PyResult<Drawn<'_, i64>> {
    drawn(py, rng, |rng| to_i64(rng.choice_weighted(&p, size)))
}

/// `bit_generator.advance(steps)`: the state after it.
#[pyfunction]
fn rng_advance(py: Python<'_>, mut rng: Rng, steps: u128) -> PyResult<Bound<'_, PyDict>> {
    rng.0.advance(steps);
    rng.to_state(py)
}

/// Breaks down within a kernel, on purpose: shows that a panic becomes an `InternalError`.
#[pyfunction]
#[pyo3(signature = (message, n_threads=None))]
fn provoke_panic(py: Python<'_>, message: String, n_threads: Option<usize>) -> PyResult<()> {
    enter(py, n_threads, |_| {
        // On a helper's thread or on the caller's, whichever is first.
        parallel::for_chunks(64, 1, 1e6, |_, _| std::panic::panic_any(message.clone()));
        Ok(())
    })
}

/// Sums sines over `seconds` of time on all threads: something to interrupt.  Gives the number of
/// rounds.
#[pyfunction]
#[pyo3(signature = (seconds, n_threads=None))]
fn busy(py: Python<'_>, seconds: f64, n_threads: Option<usize>) -> PyResult<u64> {
    enter(py, n_threads, |control| {
        let start = std::time::Instant::now();
        let mut rounds = 0;
        while start.elapsed().as_secs_f64() < seconds {
            let parts = parallel::map_chunks(64, 1, 1e6, |_, range| {
                control.check()?;
                let sum: f64 = (0..2000).map(|i| ((range.start * i) as f64).sin()).sum();
                if sum.is_nan() { Err(Error::Numeric("NaN".to_string())) } else { Ok(()) }
            });
            parts.into_iter().collect::<smelt_core::Result<()>>()?;
            rounds += 1;
        }
        Ok(rounds)
    })
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(max_threads, module)?)?;
    module.add_function(wrap_pyfunction!(rng_random, module)?)?;
    module.add_function(wrap_pyfunction!(rng_random_f32, module)?)?;
    module.add_function(wrap_pyfunction!(rng_uniform, module)?)?;
    module.add_function(wrap_pyfunction!(rng_integers, module)?)?;
    module.add_function(wrap_pyfunction!(rng_permutation, module)?)?;
    module.add_function(wrap_pyfunction!(rng_choice, module)?)?;
    module.add_function(wrap_pyfunction!(rng_choice_weighted, module)?)?;
    module.add_function(wrap_pyfunction!(rng_advance, module)?)?;
    module.add_function(wrap_pyfunction!(provoke_panic, module)?)?;
    module.add_function(wrap_pyfunction!(busy, module)?)
}
