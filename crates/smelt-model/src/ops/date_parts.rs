//! `date_parts`: seconds since 1970-01-01 UTC to the parts of the date, one column each.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    parts: Vec<Part>,
}

/// A part of a date.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    Year,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// 1 to 31.
    Day,
    /// 0 is Monday.
    Weekday,
    /// 1 on Saturday and Sunday.
    Weekend,
    /// 1 to 366.
    DayOfYear,
    Hour,
    Minute,
    Second,
    /// Days since 1970-01-01, with the fraction.
    EpochDays,
    /// 0 at midnight, 0.5 at noon.
    DayFraction,
}

#[derive(Debug)]
struct DateParts {
    parts: Vec<Part>,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    node.takes_number()?;
    let Attributes { parts } = node.attributes()?;
    let kind = node.block(parts.len())?;
    Ok((Box::new(DateParts { parts }), kind))
}

/// Days of the years before `year` since the year 0, in the Gregorian calendar.
fn days_before_year(year: i64) -> i64 {
    let before = year - 1;
    365 * year + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400)
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

fn month_length(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, when the date exists.
pub(super) fn days_from_date(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=month_length(year, month)).contains(&day) {
        return None;
    }
    let before_month: u32 = (1..month).map(|month| month_length(year, month)).sum();
    let days = days_before_year(year) - days_before_year(1970);
    Some(days + i64::from(before_month) + i64::from(day) - 1)
}

/// Year, month, day and day of the year, from days since 1970-01-01.
fn date_from_days(days: i64) -> (i64, u32, u32, u32) {
    // The mean year is 365.2425 days, so the guess is off by one at most.
    let mut year = 1970 + (days as f64 / 365.2425).floor() as i64;
    let first = |year: i64| days_before_year(year) - days_before_year(1970);
    while first(year) > days {
        year -= 1;
    }
    while first(year + 1) <= days {
        year += 1;
    }
    let mut left = (days - first(year)) as u32;
    let day_of_year = left + 1;
    let mut month = 1;
    while left >= month_length(year, month) {
        left -= month_length(year, month);
        month += 1;
    }
    (year, month, left + 1, day_of_year)
}

/// Times further from 1970 than this many seconds (about 3 million years) have no parts.
const FURTHEST: f64 = 1e14;

impl Op for DateParts {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let dense = inputs.dense()?;
        let mut data = Vec::with_capacity(dense.data.len() * self.parts.len());
        for &seconds in &dense.data {
            if !(-FURTHEST..=FURTHEST).contains(&seconds) {
                data.extend(self.parts.iter().map(|_| f64::NAN));
                continue;
            }
            let whole = seconds.floor() as i64;
            let (days, of_day) = (whole.div_euclid(86_400), whole.rem_euclid(86_400));
            let (year, month, day, day_of_year) = date_from_days(days);
            let weekday = (days + 3).rem_euclid(7);
            data.extend(self.parts.iter().map(|part| match part {
                Part::Year => year as f64,
                Part::Quarter => f64::from((month - 1) / 3 + 1),
                Part::Month => f64::from(month),
                Part::Day => f64::from(day),
                Part::Weekday => weekday as f64,
                Part::Weekend => f64::from(u8::from(weekday >= 5)),
                Part::DayOfYear => f64::from(day_of_year),
                Part::Hour => (of_day / 3600) as f64,
                Part::Minute => (of_day / 60 % 60) as f64,
                Part::Second => (of_day % 60) as f64,
                Part::EpochDays => seconds / 86_400.0,
                Part::DayFraction => of_day as f64 / 86_400.0,
            }));
        }
        Ok(Value::block(self.parts.len(), data))
    }
}

#[cfg(test)]
mod tests {
    use super::{date_from_days, days_from_date};

    #[test]
    fn days_and_dates_are_inverse() {
        assert_eq!(days_from_date(1970, 1, 1), Some(0));
        assert_eq!(days_from_date(2000, 3, 1), Some(11_017));
        assert_eq!(days_from_date(1900, 2, 29), None);
        for days in (-1_000_000..1_000_000).step_by(17) {
            let (year, month, day, _) = date_from_days(days);
            assert_eq!(days_from_date(year, month, day), Some(days));
        }
    }
}
