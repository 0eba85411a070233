//! Association: reading transactions of Python objects, item sets, rules.

use std::collections::HashMap;

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFrozenSet, PyInt, PyList, PyString, PyTuple};
use smelt_learn::association as kernels;

use crate::arrays::{slice, to_array1};
use crate::enter::enter;
use crate::params::params;

/// Integers below it find their number in a table, not by a hash.
const SMALL: usize = 1 << 16;
/// Transactions between two looks at Ctrl-C.
const STEP: usize = 4096;

/// Numbers items in the order in which they come; items that are equal have one number.
struct Reader<'py> {
    items: Bound<'py, PyList>,
    /// All items, as Python sees them equal: 1, 1.0 and True are one.
    numbers: Bound<'py, PyDict>,
    /// Numbers of integers, which need no call of Python; -1 is none.
    small: Vec<i32>,
    large: HashMap<i64, i32>,
    /// The last transaction of each item, and one.
    seen: Vec<u32>,
    indptr: Vec<i64>,
    indices: Vec<i32>,
}

impl<'py> Reader<'py> {
    fn new(py: Python<'py>) -> Self {
        Self {
            items: PyList::empty(py),
            numbers: PyDict::new(py),
            small: vec![-1; SMALL],
            large: HashMap::new(),
            seen: Vec::new(),
            indptr: vec![0],
            indices: Vec::new(),
        }
    }

    fn number(&mut self, item: &Bound<'py, PyAny>) -> PyResult<i32> {
        if item.is_exact_instance_of::<PyInt>()
            && let Ok(value) = item.extract::<i64>()
        {
            if let Some(&number) = usize::try_from(value).ok().and_then(|v| self.small.get(v)) {
                if number >= 0 {
                    return Ok(number);
                }
                let number = self.number_of_object(item)?;
                self.small[value as usize] = number;
                return Ok(number);
            }
            if let Some(&number) = self.large.get(&value) {
                return Ok(number);
            }
            let number = self.number_of_object(item)?;
            self.large.insert(value, number);
            return Ok(number);
        }
        self.number_of_object(item)
    }

    fn number_of_object(&mut self, item: &Bound<'py, PyAny>) -> PyResult<i32> {
        if let Some(number) = self.numbers.get_item(item)? {
            return number.extract();
        }
        let number = self.items.len() as i32;
        self.items.append(item)?;
        self.numbers.set_item(item, number)?;
        self.seen.push(0);
        Ok(number)
    }

    fn add(&mut self, item: &Bound<'py, PyAny>) -> PyResult<()> {
        let number = self.number(item)?;
        let transaction = self.indptr.len() as u32;
        let seen = &mut self.seen[number as usize];
        if *seen != transaction {
            *seen = transaction;
            self.indices.push(number);
        }
        Ok(())
    }

    fn add_transaction(&mut self, transaction: &Bound<'py, PyAny>) -> PyResult<()> {
        if let Ok(list) = transaction.cast_exact::<PyList>() {
            for item in list {
                self.add(&item)?;
            }
        } else if let Ok(tuple) = transaction.cast_exact::<PyTuple>() {
            for item in tuple {
                self.add(&item)?;
            }
        } else if transaction.is_instance_of::<PyString>()
            || transaction.is_instance_of::<PyBytes>()
        {
            return Err(PyTypeError::new_err(format!(
                "transaction {} is a text; a transaction is a list of items, such as [\"milk\", \
                 \"bread\"]",
                self.indptr.len() - 1
            )));
        } else {
            for item in transaction.try_iter()? {
                self.add(&item?)?;
            }
        }
        self.indptr.push(self.indices.len() as i64);
        if self.indptr.len().is_multiple_of(STEP) {
            transaction.py().check_signals()?;
        }
        Ok(())
    }
}

#[pyfunction]
fn read_transactions<'py>(
    py: Python<'py>,
    transactions: &Bound<'py, PyAny>,
) -> PyResult<(Py<PyAny>, Py<PyAny>, Bound<'py, PyList>)> {
    let mut reader = Reader::new(py);
    if let Ok(list) = transactions.cast_exact::<PyList>() {
        for transaction in list {
            reader.add_transaction(&transaction)?;
        }
    } else {
        for transaction in transactions.try_iter()? {
            reader.add_transaction(&transaction?)?;
        }
    }
    let indptr = to_array1(py, reader.indptr).into_any().unbind();
    let indices = to_array1(py, reader.indices).into_any().unbind();
    Ok((indptr, indices, reader.items))
}

#[pyfunction]
fn make_itemsets<'py>(
    py: Python<'py>,
    indptr: PyReadonlyArray1<'py, i64>,
    items: PyReadonlyArray1<'py, i32>,
    names: &Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyList>> {
    let (indptr, items) = (slice(&indptr)?, slice(&items)?);
    let out = PyList::empty(py);
    for (step, pair) in indptr.windows(2).enumerate() {
        let set = items.get(pair[0] as usize..pair[1] as usize).unwrap_or(&[]);
        let named = set.iter().map(|&item| names.get_item(item as usize));
        let named = named.collect::<PyResult<Vec<_>>>()?;
        out.append(PyFrozenSet::new(py, named)?)?;
        if step % STEP == 0 {
            py.check_signals()?;
        }
    }
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (indptr, indices, n_items, n_threads=None, **keywords))]
fn eclat_fit<'py>(
    py: Python<'py>,
    indptr: PyReadonlyArray1<'py, i64>,
    indices: PyReadonlyArray1<'py, i32>,
    n_items: usize,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::EclatParams>(py, keywords)?;
    let (indptr, indices) = (slice(&indptr)?, slice(&indices)?);
    let found = enter(py, n_threads, |control| {
        kernels::eclat_fit(indptr, indices, n_items, &params, control)
    })?;
    let out = PyDict::new(py);
    out.set_item("indptr", to_array1(py, found.indptr))?;
    out.set_item("items", to_array1(py, found.items))?;
    out.set_item("support", to_array1(py, found.support))?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (indptr, items, support, n_threads=None, **keywords))]
fn association_rules_fit<'py>(
    py: Python<'py>,
    indptr: PyReadonlyArray1<'py, i64>,
    items: PyReadonlyArray1<'py, i32>,
    support: PyReadonlyArray1<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::AssociationRulesParams>(py, keywords)?;
    let (indptr, items, support) = (slice(&indptr)?, slice(&items)?, slice(&support)?);
    let found = enter(py, n_threads, |control| {
        kernels::association_rules_fit(indptr, items, support, &params, control)
    })?;
    let out = PyDict::new(py);
    out.set_item("antecedent_indptr", to_array1(py, found.antecedents.0))?;
    out.set_item("antecedent_items", to_array1(py, found.antecedents.1))?;
    out.set_item("consequent_indptr", to_array1(py, found.consequents.0))?;
    out.set_item("consequent_items", to_array1(py, found.consequents.1))?;
    out.set_item("measures", to_array1(py, found.measures))?;
    out.set_item("missing", found.missing)?;
    Ok(out)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(association_rules_fit, module)?)?;
    module.add_function(wrap_pyfunction!(eclat_fit, module)?)?;
    module.add_function(wrap_pyfunction!(make_itemsets, module)?)?;
    module.add_function(wrap_pyfunction!(read_transactions, module)?)
}
