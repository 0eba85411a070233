//! The .smelt file: reader, feature operations, prediction without Python.
