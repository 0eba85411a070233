//! The .smelt file: reader, feature operations, prediction without Python.

pub mod csv_read;
mod csv_record;
