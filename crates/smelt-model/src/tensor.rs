//! Named arrays that the nodes of a graph refer to.

use std::collections::HashMap;

use smelt_core::{Error, Result};

/// Arrays by name.
pub type Tensors = HashMap<String, Tensor>;

/// An array of any number of axes, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

/// The elements of a [`Tensor`].
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Data {
    F64(Vec<f64>),
    F32(Vec<f32>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    I16(Vec<i16>),
    I8(Vec<i8>),
    U64(Vec<u64>),
    U32(Vec<u32>),
    U16(Vec<u16>),
    U8(Vec<u8>),
    Bool(Vec<bool>),
}

/// Evaluates an expression with `$values` bound to the vector inside a [`Data`].
macro_rules! by_type {
    ($data:expr, |$values:ident| $body:expr) => {
        match $data {
            $crate::tensor::Data::F64($values) => $body,
            $crate::tensor::Data::F32($values) => $body,
            $crate::tensor::Data::I64($values) => $body,
            $crate::tensor::Data::I32($values) => $body,
            $crate::tensor::Data::I16($values) => $body,
            $crate::tensor::Data::I8($values) => $body,
            $crate::tensor::Data::U64($values) => $body,
            $crate::tensor::Data::U32($values) => $body,
            $crate::tensor::Data::U16($values) => $body,
            $crate::tensor::Data::U8($values) => $body,
            $crate::tensor::Data::Bool($values) => $body,
        }
    };
}
pub(crate) use by_type;

impl Data {
    /// Number of elements.
    pub fn len(&self) -> usize {
        by_type!(self, |values| values.len())
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Tensor {
    /// Checks that the elements fill the shape.
    pub fn new(shape: Vec<usize>, data: Data) -> Result<Self> {
        let size = shape.iter().try_fold(1_usize, |size, &axis| size.checked_mul(axis));
        if size == Some(data.len()) {
            Ok(Self { shape, data })
        } else {
            Err(Error::ModelFile(format!(
                "{} elements do not fill the shape {shape:?}",
                data.len()
            )))
        }
    }

    /// Length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The elements as `f64`, from `f64` or `f32`.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        match &self.data {
            Data::F64(values) => Some(values.clone()),
            Data::F32(values) => Some(values.iter().map(|&value| f64::from(value)).collect()),
            _ => None,
        }
    }

    /// The elements as offsets, from any unsigned type of 16 bits or more.
    pub fn to_offsets(&self) -> Option<Vec<usize>> {
        match &self.data {
            Data::U64(values) => values.iter().map(|&value| usize::try_from(value).ok()).collect(),
            Data::U32(values) => values.iter().map(|&value| usize::try_from(value).ok()).collect(),
            Data::U16(values) => Some(values.iter().map(|&value| usize::from(value)).collect()),
            _ => None,
        }
    }
}

/// Text laid end to end, as a pair of tensors `<name>.offsets` and `<name>.blob`.
pub(crate) fn strings(
    offsets: &Tensor,
    blob: &Tensor,
) -> std::result::Result<Vec<Box<str>>, String> {
    let (Some(offsets), Data::U8(blob)) = (offsets.to_offsets(), &blob.data) else {
        return Err("offsets must be u32 or u64, and the blob u8".to_string());
    };
    let blob = std::str::from_utf8(blob).map_err(|_| "the blob is not UTF-8".to_string())?;
    if offsets.first() != Some(&0) || offsets.last() != Some(&blob.len()) {
        return Err("the offsets must begin with 0 and end with the length of the blob".to_string());
    }
    offsets
        .windows(2)
        .map(|pair| {
            let (start, end) = (pair[0], pair[1]);
            let text = if start <= end { blob.get(start..end) } else { None };
            text.map(Box::from).ok_or_else(|| format!("offsets {start} and {end} cut no text"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Data, Tensor, strings};

    fn vector(data: Data) -> Tensor {
        Tensor::new(vec![data.len()], data).unwrap()
    }

    #[test]
    fn shapes_must_be_filled() {
        assert!(Tensor::new(vec![2, 2], Data::U8(vec![0; 4])).is_ok());
        assert!(Tensor::new(vec![usize::MAX, 2], Data::U8(vec![0; 4])).is_err());
    }

    #[test]
    fn strings_are_cut_and_damage_is_refused() {
        let blob = vector(Data::U8("abü".as_bytes().to_vec()));
        let cut = |offsets: &[u32]| strings(&vector(Data::U32(offsets.to_vec())), &blob);
        assert_eq!(cut(&[0, 1, 1, 4]).unwrap(), ["a".into(), "".into(), "bü".into()]);
        for offsets in [&[][..], &[0], &[1, 4], &[0, 3, 4], &[0, 9, 4], &[0, 2, 1, 4]] {
            assert!(cut(offsets).is_err(), "{offsets:?}");
        }
    }
}
