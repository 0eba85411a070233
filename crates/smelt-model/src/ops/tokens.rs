//! Terms of a text: words and runs of words, or characters within words.
//!
//! Words are runs of two or more letters, digits and underscores.  The analyzer `char_wb` takes runs
//! of characters within words cut at white space, with a blank at either end.

use serde::Deserialize;

/// How a text is cut into terms.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenOptions {
    /// Compare without regard to case.
    pub lowercase: bool,
    /// Words, or characters within words.
    pub analyzer: Analyzer,
    /// Shortest and longest run of words or characters, at least 1 and at most 10.
    pub ngram_range: (usize, usize),
}

/// What a term is a run of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Analyzer {
    /// Words.
    Word,
    /// Characters within words.
    CharWb,
}

/// Cuts texts into terms; keeps its buffers from one text to the next.
#[derive(Debug)]
pub struct Tokenizer<'a> {
    options: &'a TokenOptions,
    lowered: String,
    words: Vec<(usize, usize)>,
    term: String,
}

impl TokenOptions {
    /// Checks the range of run lengths.
    pub fn check(&self) -> Result<(), String> {
        let (shortest, longest) = self.ngram_range;
        if shortest < 1 || longest < shortest || longest > 10 {
            return Err(format!(
                "ngram_range must rise, from at least 1 to at most 10, got [{shortest}, {longest}]"
            ));
        }
        Ok(())
    }
}

impl<'a> Tokenizer<'a> {
    /// A tokenizer with empty buffers.
    pub fn new(options: &'a TokenOptions) -> Self {
        Self { options, lowered: String::new(), words: Vec::new(), term: String::new() }
    }

    /// Calls `visit` with every term of the text, repeated ones too.
    pub fn for_each(&mut self, text: &str, visit: impl FnMut(&str)) {
        let mut lowered = std::mem::take(&mut self.lowered);
        lowered.clear();
        let text = if !self.options.lowercase {
            text
        } else if text.is_ascii() {
            lowered.push_str(text);
            lowered.make_ascii_lowercase();
            &lowered
        } else {
            lowered = text.to_lowercase();
            &lowered
        };
        match self.options.analyzer {
            Analyzer::Word => self.words(text, visit),
            Analyzer::CharWb => self.characters(text, visit),
        }
        self.lowered = lowered;
    }

    fn words(&mut self, text: &str, mut visit: impl FnMut(&str)) {
        self.words.clear();
        let mut start = None;
        let mut length = 0_usize;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            if c == '_' || c.is_alphanumeric() {
                start = start.or(Some(at));
                length += 1;
            } else if let Some(first) = start.take() {
                if length >= 2 {
                    self.words.push((first, at));
                }
                length = 0;
            }
        }
        let (shortest, longest) = self.options.ngram_range;
        for n in shortest..=longest {
            for run in self.words.windows(n) {
                if let [(first, end)] = run {
                    visit(text.get(*first..*end).unwrap_or_default());
                    continue;
                }
                self.term.clear();
                for (first, end) in run {
                    if !self.term.is_empty() {
                        self.term.push(' ');
                    }
                    self.term.push_str(text.get(*first..*end).unwrap_or_default());
                }
                visit(&self.term);
            }
        }
    }

    fn characters(&mut self, text: &str, mut visit: impl FnMut(&str)) {
        let (shortest, longest) = self.options.ngram_range;
        for word in text.split_whitespace() {
            self.term.clear();
            self.term.push(' ');
            self.term.push_str(word);
            self.term.push(' ');
            self.words.clear();
            self.words.extend(self.term.char_indices().map(|(at, c)| (at, at + c.len_utf8())));
            for n in shortest..=longest {
                for run in self.words.windows(n) {
                    if let (Some((first, _)), Some((_, end))) = (run.first(), run.last()) {
                        visit(self.term.get(*first..*end).unwrap_or_default());
                    }
                }
                // A word shorter than the run counts once, as a whole.
                if self.words.len() <= n {
                    if self.words.len() < n {
                        visit(&self.term);
                    }
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Analyzer, TokenOptions, Tokenizer};

    fn terms(analyzer: Analyzer, ngram_range: (usize, usize), text: &str) -> Vec<String> {
        let options = TokenOptions { lowercase: true, analyzer, ngram_range };
        let mut terms = Vec::new();
        Tokenizer::new(&options).for_each(text, |term| terms.push(term.to_string()));
        terms
    }

    #[test]
    fn words_and_pairs_of_words() {
        assert_eq!(
            terms(Analyzer::Word, (1, 2), "Zwei große Ä, x 42_a!"),
            ["zwei", "große", "42_a", "zwei große", "große 42_a"]
        );
    }

    #[test]
    fn characters_within_words() {
        assert_eq!(
            terms(Analyzer::CharWb, (2, 3), "Öl\t x"),
            [" ö", "öl", "l ", " öl", "öl ", " x", "x ", " x "]
        );
        assert_eq!(terms(Analyzer::CharWb, (5, 6), "ab"), [" ab "]);
    }

    #[test]
    fn run_lengths_are_checked() {
        for ngram_range in [(0, 1), (2, 1), (1, 11)] {
            let options = TokenOptions { lowercase: true, analyzer: Analyzer::Word, ngram_range };
            assert!(options.check().is_err());
        }
    }
}
