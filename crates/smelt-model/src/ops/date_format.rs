//! Date formats in the notation of `strptime`: `%Y-%m-%d %H:%M:%S` and the like.
//!
//! Known are `%Y %y %m %d %e %j %b %B %h %a %A %H %k %I %l %M %S %p %P %f %.f %z %:z %Z %T %R %F %D %s %%`
//! (`%z` and `%:z` both read `+01:00`, `+0100`, `+01` and `Z`; `%Z` reads `UTC`, `GMT` and `Z`), any
//! other character stands for itself, and white space for any white space.

use crate::ops::date_parts::days_from_date;

/// A format, read once.
#[derive(Debug, Clone)]
pub(crate) struct DateFormat {
    items: Vec<Item>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    Literal(char),
    Space,
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    DayOfYear,
    WeekdayName,
    Hour,
    HalfDayHour,
    Minute,
    Second,
    HalfDay,
    Fraction,
    PointFraction,
    Offset,
    ZoneName,
    Timestamp,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What the items of a format found.
struct Found {
    year: i64,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    half_day_hour: Option<u32>,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    fraction: f64,
    offset: i64,
    timestamp: Option<i64>,
}

impl DateFormat {
    /// Reads a format; the error names the part that is not known.
    pub(crate) fn new(format: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        let mut rest = format.chars();
        while let Some(c) = rest.next() {
            if c.is_whitespace() {
                items.push(Item::Space);
                continue;
            }
            if c != '%' {
                items.push(Item::Literal(c));
                continue;
            }
            let letter = rest.next().ok_or_else(|| format!("{format:?} ends with a lone %"))?;
            let prefixed = if matches!(letter, '.' | ':' | '-') { rest.next() } else { None };
            items.extend_from_slice(match (letter, prefixed) {
                ('.', Some('f')) => &[Item::PointFraction],
                (':', Some('z')) => &[Item::Offset],
                ('-', Some(letter)) | (letter, None) => match letter {
                    'Y' => &[Item::Year],
                    'y' => &[Item::ShortYear],
                    'm' => &[Item::Month],
                    'b' | 'B' | 'h' => &[Item::MonthName],
                    'd' | 'e' => &[Item::Day],
                    'j' => &[Item::DayOfYear],
                    'a' | 'A' => &[Item::WeekdayName],
                    'H' | 'k' => &[Item::Hour],
                    'I' | 'l' => &[Item::HalfDayHour],
                    'M' => &[Item::Minute],
                    'S' => &[Item::Second],
                    'p' | 'P' => &[Item::HalfDay],
                    'f' => &[Item::Fraction],
                    'z' => &[Item::Offset],
                    'Z' => &[Item::ZoneName],
                    's' => &[Item::Timestamp],
                    '%' => &[Item::Literal('%')],
                    'T' => {
                        use Item::{Hour, Literal, Minute, Second};
                        &[Hour, Literal(':'), Minute, Literal(':'), Second]
                    }
                    'R' => &[Item::Hour, Item::Literal(':'), Item::Minute],
                    'F' => {
                        use Item::{Day, Literal, Month, Year};
                        &[Year, Literal('-'), Month, Literal('-'), Day]
                    }
                    'D' => {
                        use Item::{Day, Literal, Month, ShortYear};
                        &[Month, Literal('/'), Day, Literal('/'), ShortYear]
                    }
                    other => return Err(format!("{format:?} has the unknown part %{other}")),
                },
                (first, second) => {
                    let second = second.map(String::from).unwrap_or_default();
                    return Err(format!("{format:?} has the unknown part %{first}{second}"));
                }
            });
        }
        Ok(Self { items })
    }

    /// Seconds since 1970-01-01 UTC, or nothing when the text does not fit the format.
    pub(crate) fn seconds(&self, text: &str) -> Option<f64> {
        let mut found = Found {
            year: 1970,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            half_day_hour: None,
            afternoon: None,
            minute: 0,
            second: 0,
            fraction: 0.0,
            offset: 0,
            timestamp: None,
        };
        let mut rest = text;
        for item in &self.items {
            rest = found.read(*item, rest)?;
        }
        if rest.is_empty() { found.seconds() } else { None }
    }
}

/// Up to `most` digits as a number, and what follows; at least `least` must be there.
fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let n = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if n < least {
        return None;
    }
    Some((text.get(..n)?.parse().ok()?, text.get(n..)?))
}

/// Index of the name, long or of three letters, that the text begins with.
fn name<'a>(text: &'a str, names: &[&str]) -> Option<(usize, &'a str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        [name.len(), 3].into_iter().find_map(|length| {
            let head = text.get(..length)?;
            let fits = name.get(..length).is_some_and(|name| head.eq_ignore_ascii_case(name));
            if fits { Some((index, text.get(length..)?)) } else { None }
        })
    })
}

impl Found {
    /// Reads one item off the front of the text.
    fn read<'a>(&mut self, item: Item, text: &'a str) -> Option<&'a str> {
        let number = |field: &mut u32, most| {
            let (value, rest) = digits(text, 1, most)?;
            *field = value;
            Some(rest)
        };
        match item {
            Item::Literal(c) => text.strip_prefix(c),
            Item::Space => Some(text.trim_start()),
            Item::Year => {
                let (year, rest) = digits(text, 4, 4)?;
                self.year = i64::from(year);
                Some(rest)
            }
            Item::ShortYear => {
                let (year, rest) = digits(text, 2, 2)?;
                self.year = i64::from(year) + if year < 69 { 2000 } else { 1900 };
                Some(rest)
            }
            Item::Month => number(&mut self.month, 2),
            Item::MonthName => {
                let (index, rest) = name(text, &MONTHS)?;
                self.month = index as u32 + 1;
                Some(rest)
            }
            Item::Day => {
                let text = text.trim_start();
                let (day, rest) = digits(text, 1, 2)?;
                self.day = day;
                Some(rest)
            }
            Item::DayOfYear => {
                let (day, rest) = digits(text, 1, 3)?;
                self.day_of_year = Some(day);
                Some(rest)
            }
            Item::WeekdayName => name(text, &WEEKDAYS).map(|(_, rest)| rest),
            Item::Hour => number(&mut self.hour, 2),
            Item::HalfDayHour => {
                let (hour, rest) = digits(text, 1, 2)?;
                self.half_day_hour = Some(hour);
                Some(rest)
            }
            Item::Minute => number(&mut self.minute, 2),
            Item::Second => number(&mut self.second, 2),
            Item::HalfDay => {
                let head = text.get(..2)?;
                self.afternoon = Some(if head.eq_ignore_ascii_case("pm") {
                    true
                } else if head.eq_ignore_ascii_case("am") {
                    false
                } else {
                    return None;
                });
                text.get(2..)
            }
            Item::Fraction => self.read_fraction(text),
            Item::PointFraction => match text.strip_prefix('.') {
                Some(rest) => self.read_fraction(rest),
                None => Some(text),
            },
            Item::Offset => self.read_offset(text),
            Item::ZoneName => {
                ["UTC", "GMT", "Z"].into_iter().find_map(|zone| text.strip_prefix(zone))
            }
            Item::Timestamp => {
                let n = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').count();
                self.timestamp = Some(text.get(..n)?.parse().ok()?);
                text.get(n..)
            }
        }
    }

    fn read_fraction<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let (value, rest) = digits(text, 1, 9)?;
        let n = text.len() - rest.len();
        self.fraction =
            f64::from(value) / [1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9].get(n - 1)?;
        Some(rest)
    }

    fn read_offset<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        if let Some(rest) = text.strip_prefix(['Z', 'z']) {
            return Some(rest);
        }
        let east = match text.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let (hours, rest) = digits(text.get(1..)?, 2, 2)?;
        let after_colon = rest.strip_prefix(':').unwrap_or(rest);
        let (minutes, rest) = digits(after_colon, 2, 2).unwrap_or((0, rest));
        self.offset = east * (i64::from(hours) * 3600 + i64::from(minutes) * 60);
        Some(rest)
    }

    /// Puts the parts together, when they make a date and a time that exist.
    fn seconds(&self) -> Option<f64> {
        if let Some(timestamp) = self.timestamp {
            return Some(timestamp as f64 + self.fraction);
        }
        let hour = match (self.half_day_hour, self.afternoon) {
            (Some(hour), Some(afternoon)) if (1..=12).contains(&hour) => {
                hour % 12 + if afternoon { 12 } else { 0 }
            }
            (Some(_), _) => return None,
            (None, _) => self.hour,
        };
        // A second of 60 is a leap second; it counts as the first of the next minute.
        if hour > 23 || self.minute > 59 || self.second > 60 {
            return None;
        }
        let days = match self.day_of_year {
            None => days_from_date(self.year, self.month, self.day)?,
            Some(day) => {
                let first = days_from_date(self.year, 1, 1)?;
                let length = days_from_date(self.year + 1, 1, 1)? - first;
                let day = i64::from(day);
                if !(1..=length).contains(&day) {
                    return None;
                }
                first + day - 1
            }
        };
        let of_day = i64::from(hour * 3600 + self.minute * 60 + self.second) - self.offset;
        Some((days * 86_400 + of_day) as f64 + self.fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::DateFormat;

    #[test]
    fn dates_of_many_formats() {
        // Seconds by `date -u -d … +%s`.
        for (format, text, expected) in [
            ("%Y-%m-%d", "2024-02-29", Some(1_709_164_800.0)),
            ("%Y-%m-%d", "2023-02-29", None),
            ("%Y-%m-%d", "2024-02-29 ", None),
            ("%F %T", "1969-12-31 23:59:59", Some(-1.0)),
            ("%d.%m.%y", "1.3.99", Some(920_246_400.0)),
            ("%d.%m.%y", "01.03.68", Some(3_097_785_600.0)),
            ("%m/%d/%Y %I:%M %p", "07/04/2026 12:30 AM", Some(1_783_125_000.0)),
            ("%B %d, %Y", "July 4, 2026", Some(1_783_123_200.0)),
            ("%a, %d %b %Y", "Sat, 04 Jul 2026", Some(1_783_123_200.0)),
            ("%Y-%m-%dT%H:%M:%S%.f%z", "2026-07-04T00:00:00.250+02:00", Some(1_783_116_000.25)),
            ("%Y-%m-%dT%H:%M:%S%.f%z", "2026-07-04T00:00:00Z", Some(1_783_123_200.0)),
            ("%Y-%j", "2024-366", Some(1_735_603_200.0)),
            ("%Y-%j", "2023-366", None),
            ("%s", "-5", Some(-5.0)),
            ("%H:%M", "24:00", None),
            ("%Y-%m-%d", "2024-13-01", None),
            ("%Y-%m-%d", "2024-00-10", None),
            ("%b", "Mär", None),
        ] {
            assert_eq!(DateFormat::new(format).unwrap().seconds(text), expected, "{format} {text}");
        }
    }

    #[test]
    fn unknown_parts_are_refused() {
        for format in ["%Q", "%", "%:q", "%."] {
            assert!(DateFormat::new(format).is_err(), "{format}");
        }
    }
}
