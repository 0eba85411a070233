//! Texts that stand for a missing value, such as `NA`.

use std::collections::HashSet;

/// A set of texts that answers most questions from the first byte.
#[derive(Debug, Clone)]
pub(crate) struct Markers {
    first: [bool; 256],
    texts: HashSet<Box<str>>,
}

impl Markers {
    pub(crate) fn new(texts: &[String]) -> Self {
        let mut first = [false; 256];
        for byte in texts.iter().filter_map(|text| text.trim().as_bytes().first()) {
            first[usize::from(*byte)] = true;
        }
        Self { first, texts: texts.iter().map(|text| text.trim().into()).collect() }
    }

    /// Whether a trimmed text stands for a missing value; the empty text always does.
    #[inline]
    pub(crate) fn hold(&self, text: &str) -> bool {
        match text.as_bytes().first() {
            None => true,
            Some(byte) => self.first[usize::from(*byte)] && self.texts.contains(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Markers;

    #[test]
    fn the_empty_text_and_the_markers_are_missing() {
        let markers = Markers::new(&["NA".into(), " ? ".into()]);
        let held: Vec<_> = ["", "NA", "?", "N", "NAN", "0"].map(|text| markers.hold(text)).into();
        assert_eq!(held, [true, true, true, false, false, false]);
    }
}
