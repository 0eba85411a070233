//! The container: a safetensors file whose metadata hold a manifest and a hash.
//!
//! Metadata keys: `smelt.format` (version of the layout), `smelt.min_reader` (least format a reader must
//! know), `smelt.manifest` (JSON), `smelt.sha256`.  The hash is taken over, in this order,
//!
//! 1. the bytes of the manifest and a line feed;
//! 2. one line `DTYPE shape start end name` a tensor, in the order of the buffer (the axes of the shape
//!    divided by commas, start and end as in the header), and an empty line;
//! 3. the bytes of the buffer.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use safetensors::tensor::{Dtype, Metadata, SafeTensors};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use smelt_core::{Error, Result};

use crate::tensor::{Data, Tensor, Tensors, by_type};

/// The format that this reader writes, and the newest that it reads.
pub const FORMAT: u32 = 1;
/// Most tensors of a file.
const MAX_TENSORS: usize = 100_000;

/// A file that is whole: manifest and tensors are the ones that were written.
#[derive(Debug)]
pub struct Container {
    /// The manifest, JSON that is not looked into yet.
    pub manifest: String,
    /// The hash, in hexadecimal digits.
    pub sha256: String,
    /// The arrays.
    pub tensors: Tensors,
}

fn damaged(message: impl Into<String>) -> Error {
    Error::ModelFile(message.into())
}

/// Who wrote a manifest, as far as it says so.
#[derive(Deserialize)]
struct Writer {
    smelt: String,
}

/// Reads a container, and checks sizes, offsets, version and hash.
pub fn read(bytes: &[u8]) -> Result<Container> {
    let (length, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|error| damaged(format!("not a sound safetensors file: {error}")))?;
    let texts = metadata.metadata().as_ref();
    let text = |key: &str| {
        texts.and_then(|texts| texts.get(key)).ok_or_else(|| {
            damaged(format!("a safetensors file, but no smelt model: it lacks {key:?}"))
        })
    };
    let number = |key: &str| {
        let number = text(key)?.parse::<u32>().ok().filter(|&number| number > 0);
        number.ok_or_else(|| damaged(format!("{key:?} must be a number above 0")))
    };
    let manifest = text("smelt.manifest")?;
    let (format, min_reader) = (number("smelt.format")?, number("smelt.min_reader")?);
    if min_reader > FORMAT || min_reader > format {
        let writer = serde_json::from_str::<Writer>(manifest);
        let writer =
            writer.map_or_else(|_| "a newer smelt".into(), |w| format!("smelt {}", w.smelt));
        return Err(damaged(format!(
            "the model file needs a reader of format {min_reader}; it was written by {writer}. This \
             is smelt {}, which reads formats up to {FORMAT}; upgrade smelt to read it",
            env!("CARGO_PKG_VERSION")
        )));
    }
    let buffer = length.checked_add(8).and_then(|start| bytes.get(start..));
    let buffer = buffer.ok_or_else(|| damaged("the model file is cut off"))?;
    let entries = entries(&metadata)?;
    let sha256 = hash(manifest, &entries, buffer);
    if &sha256 != text("smelt.sha256")? {
        return Err(damaged(
            "the model file is damaged: its content does not match its hash (smelt.sha256); get it \
             anew from where it was made",
        ));
    }
    let mut tensors = Tensors::with_capacity(entries.len());
    for entry in entries {
        let part = buffer.get(entry.start..entry.end);
        let part = part.ok_or_else(|| damaged("a tensor lies outside the file"))?;
        let data = elements(entry.dtype, part)
            .ok_or_else(|| damaged(format!("tensor {:?} has a type unknown here", entry.name)))?;
        tensors.insert(entry.name, Tensor::new(entry.shape, data)?);
    }
    Ok(Container { manifest: manifest.clone(), sha256, tensors })
}

/// Writes a container; the same arguments give the same bytes.
pub fn write(manifest: &str, tensors: &Tensors) -> Result<Vec<u8>> {
    // Wide types first, so that every tensor is aligned to its type.
    let mut order: Vec<(&String, &Tensor)> = tensors.iter().collect();
    order.sort_by_key(|(name, tensor)| (Reverse(element_size(tensor.data())), *name));
    let (mut entries, mut buffer) = (Vec::with_capacity(order.len()), Vec::new());
    for (name, tensor) in order {
        check_name(name)?;
        let start = buffer.len();
        by_type!(tensor.data(), |values| append(&mut buffer, values));
        let (dtype, shape) = (dtype(tensor.data()), tensor.shape().to_vec());
        entries.push(Entry { name: name.clone(), dtype, shape, start, end: buffer.len() });
    }
    let sha256 = hash(manifest, &entries, &buffer);
    let format = FORMAT.to_string();
    let texts = BTreeMap::from([
        ("smelt.format", format.as_str()),
        ("smelt.manifest", manifest),
        ("smelt.min_reader", &format),
        ("smelt.sha256", &sha256),
    ]);
    let json = |error: serde_json::Error| damaged(error.to_string());
    let mut header = format!("{{\"__metadata__\":{}", serde_json::to_string(&texts).map_err(json)?);
    for entry in &entries {
        let (name, shape) =
            (serde_json::to_string(&entry.name), serde_json::to_string(&entry.shape));
        let (name, shape) = (name.map_err(json)?, shape.map_err(json)?);
        let Entry { dtype, start, end, .. } = entry;
        let _ = write!(
            header,
            ",{name}:{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{start},{end}]}}"
        );
    }
    header.push('}');
    while header.len() % 8 != 0 {
        header.push(' ');
    }
    let mut bytes = Vec::with_capacity(8 + header.len() + buffer.len());
    bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(&buffer);
    Ok(bytes)
}

/// A line of the table of tensors.
struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    start: usize,
    end: usize,
}

/// The table of tensors in the order of the buffer.
fn entries(metadata: &Metadata) -> Result<Vec<Entry>> {
    let names = metadata.offset_keys();
    if names.len() > MAX_TENSORS {
        return Err(damaged(format!("{} tensors, over {MAX_TENSORS}", names.len())));
    }
    let entry = |name: String| {
        check_name(&name)?;
        let info =
            metadata.info(&name).ok_or_else(|| damaged("the table of tensors is damaged"))?;
        let (start, end) = info.data_offsets;
        Ok(Entry { name, dtype: info.dtype, shape: info.shape.clone(), start, end })
    };
    let mut entries: Vec<Entry> = names.into_iter().map(entry).collect::<Result<_>>()?;
    // Tensors without elements share a place; they come in the order in which they are written.
    entries.sort_by(|one, other| {
        let place = |entry: &Entry| (entry.start, entry.end, Reverse(entry.dtype.bitsize()));
        place(one).cmp(&place(other)).then_with(|| one.name.cmp(&other.name))
    });
    Ok(entries)
}

/// A line feed in a name would make the hashed lines ambiguous.
fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(damaged(format!("tensor name {name:?} is empty or has a control character")));
    }
    Ok(())
}

fn hash(manifest: &str, entries: &[Entry], buffer: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(manifest);
    hash.update("\n");
    for Entry { name, dtype, shape, start, end } in entries {
        let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
        hash.update(format!("{dtype} {} {start} {end} {name}\n", shape.join(",")));
    }
    hash.update("\n");
    hash.update(buffer);
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A number that lies in the file in little-endian bytes.
trait Element: Copy {
    fn read(bytes: &[u8]) -> Option<Self>;
    fn append(self, buffer: &mut Vec<u8>);
}

macro_rules! element {
    ($($kind:ty),*) => {$(
        impl Element for $kind {
            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
            fn append(self, buffer: &mut Vec<u8>) {
                buffer.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
element!(f64, f32, i64, i32, i16, i8, u64, u32, u16, u8);

impl Element for bool {
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
    fn append(self, buffer: &mut Vec<u8>) {
        buffer.push(u8::from(self));
    }
}

fn append<T: Element>(buffer: &mut Vec<u8>, values: &[T]) {
    buffer.reserve(std::mem::size_of_val(values));
    for value in values {
        value.append(buffer);
    }
}

fn elements(dtype: Dtype, bytes: &[u8]) -> Option<Data> {
    fn read<T: Element>(bytes: &[u8]) -> Option<Vec<T>> {
        bytes.chunks_exact(std::mem::size_of::<T>()).map(T::read).collect()
    }
    match dtype {
        Dtype::F64 => read(bytes).map(Data::F64),
        Dtype::F32 => read(bytes).map(Data::F32),
        Dtype::I64 => read(bytes).map(Data::I64),
        Dtype::I32 => read(bytes).map(Data::I32),
        Dtype::I16 => read(bytes).map(Data::I16),
        Dtype::I8 => read(bytes).map(Data::I8),
        Dtype::U64 => read(bytes).map(Data::U64),
        Dtype::U32 => read(bytes).map(Data::U32),
        Dtype::U16 => read(bytes).map(Data::U16),
        Dtype::U8 => read(bytes).map(Data::U8),
        Dtype::BOOL => read(bytes).map(Data::Bool),
        _ => None,
    }
}

fn dtype(data: &Data) -> Dtype {
    match data {
        Data::F64(_) => Dtype::F64,
        Data::F32(_) => Dtype::F32,
        Data::I64(_) => Dtype::I64,
        Data::I32(_) => Dtype::I32,
        Data::I16(_) => Dtype::I16,
        Data::I8(_) => Dtype::I8,
        Data::U64(_) => Dtype::U64,
        Data::U32(_) => Dtype::U32,
        Data::U16(_) => Dtype::U16,
        Data::U8(_) => Dtype::U8,
        Data::Bool(_) => Dtype::BOOL,
    }
}

fn element_size(data: &Data) -> usize {
    dtype(data).bitsize() / 8
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;

    use super::{read, write};
    use crate::tensor::{Data, Tensor, Tensors};

    fn tensors() -> Tensors {
        let vector = |data: Data| Tensor::new(vec![data.len()], data).unwrap();
        Tensors::from([
            ("bytes".to_string(), vector(Data::U8(vec![1, 2, 3]))),
            ("flags".to_string(), vector(Data::Bool(vec![true, false]))),
            ("no numbers".to_string(), vector(Data::I16(vec![]))),
            ("no others".to_string(), vector(Data::I16(vec![]))),
            ("nothing".to_string(), vector(Data::F32(vec![]))),
            ("none".to_string(), vector(Data::F64(vec![]))),
            ("weights ü".to_string(), vector(Data::F64(vec![1.5, f64::NEG_INFINITY]))),
        ])
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = write("{\"a\":\"ü\"}", &tensors()).unwrap();
        let container = read(&bytes).unwrap();
        assert_eq!(container.manifest, "{\"a\":\"ü\"}");
        assert_eq!(container.tensors, tensors());
        assert_eq!(bytes, write("{\"a\":\"ü\"}", &tensors()).unwrap());
        let other = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(other.tensor("bytes").unwrap().data(), [1, 2, 3]);
    }

    #[test]
    fn every_byte_counts() {
        let bytes = write("{\"a\":1}", &tensors()).unwrap();
        for position in 0..bytes.len() {
            let mut copy = bytes.clone();
            copy[position] ^= 1;
            assert!(read(&copy).is_err(), "byte {position} was changed without notice");
            assert!(read(&bytes[..position]).is_err(), "cut at {position} without notice");
        }
    }

    #[test]
    fn newer_formats_are_named() {
        let bytes = write("{\"smelt\":\"9.7.0\"}", &tensors()).unwrap();
        let key = b"min_reader\":\"";
        let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len();
        let mut newer = bytes;
        newer[at] = b'7';
        let message = read(&newer).unwrap_err().to_string();
        assert!(message.contains("format 7") && message.contains("smelt 9.7.0"), "{message}");
    }
}
