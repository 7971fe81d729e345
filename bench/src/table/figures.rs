//! Samples, and what follows from them.

/// What one sample found, a number for each column of its row; NaN where it couldn't be
/// seen.
pub(crate) type Figures = Vec<f64>;

/// The samples of one contender, in the order of the rounds.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) samples: Vec<Figures>,
    /// Samples that foreign load spoiled and that were taken anew.
    pub(crate) dropped: usize,
    /// Samples that were kept although foreign load may have spoiled them.
    pub(crate) doubtful: usize,
    /// Samples of which nobody could see whether foreign load spoiled them.
    pub(crate) unseen: usize,
    /// Why there are none, or less.
    pub(crate) remark: Option<String>,
}

/// A median and the range around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of these, those left aside that couldn't be seen. `None` if that leaves nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, least, most })
    }
}

impl Series {
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = f64> {
        self.samples.iter().map(move |figures| figures[column])
    }

    pub(crate) fn spread(&self, column: usize) -> Option<Spread> {
        Spread::of(self.column(column))
    }

    /// The ratio of the medians, with the range of the ratios within each round: load that
    /// came and went between rounds hits both sides of those.
    pub(crate) fn ratio(&self, other: &Self, column: usize) -> Option<Spread> {
        let (own, others) = (self.spread(column)?, other.spread(column)?);
        let pairs = self.column(column).zip(other.column(column));
        let rounds = Spread::of(pairs.map(|(own, other)| own / other))?;
        Some(Spread { median: own.median / others.median, ..rounds })
    }
}

/// What is asked of a contender's column, or of its ratio to another's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) of: &'static str,
    pub(crate) column: usize,
    pub(crate) versus: Option<&'static str>,
    pub(crate) bound: Bound,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    /// The value that is judged; `None` if somebody it is about wasn't measured.
    pub(crate) fn value(&self, series: &[Series]) -> Option<Spread> {
        let find = |name| series.iter().find(|series| series.name == name);
        let of = find(self.of)?;
        match self.versus {
            None => of.spread(self.column),
            Some(other) => of.ratio(find(other)?, self.column),
        }
    }

    pub(crate) fn is_met(&self, value: Spread) -> bool {
        match self.bound {
            Bound::AtLeast(bound) => value.median >= bound,
            Bound::AtMost(bound) => value.median <= bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &'static str, values: &[f64]) -> Series {
        let samples = values.iter().map(|value| vec![*value]).collect();
        Series { name, samples, ..Series::default() }
    }

    #[test]
    fn a_spread_has_the_middle_and_both_ends() {
        let spread = Spread::of([5.0, 1.0, 3.0]).unwrap();
        assert_eq!(spread, Spread { median: 3.0, least: 1.0, most: 5.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 9.0]).unwrap().median, 3.0);
        assert_eq!(Spread::of([f64::NAN, 2.0]).unwrap().least, 2.0);
        assert_eq!(Spread::of([f64::NAN]), None);
    }

    #[test]
    fn a_ratio_is_that_of_the_medians_and_ranges_over_the_rounds() {
        // The second round was slow for both, which no round's ratio shows.
        let (own, other) =
            (series("own", &[90.0, 45.0, 110.0]), series("other", &[100.0, 50.0, 100.0]));
        let ratio = own.ratio(&other, 0).unwrap();
        assert_eq!(ratio, Spread { median: 0.9, least: 0.9, most: 1.1 });
    }

    #[test]
    fn a_goal_is_met_by_the_median_and_unknown_without_its_peer() {
        let goal = |bound, versus| Goal { of: "own", column: 0, versus, bound };
        let all = [series("own", &[90.0, 96.0, 200.0]), series("peer", &[100.0, 100.0, 100.0])];
        let value = goal(Bound::AtLeast(0.95), Some("peer")).value(&all).unwrap();
        assert!(goal(Bound::AtLeast(0.95), Some("peer")).is_met(value));
        assert!(!goal(Bound::AtLeast(0.97), Some("peer")).is_met(value));
        assert!(goal(Bound::AtMost(0.96), Some("peer")).is_met(value));
        assert!(!goal(Bound::AtMost(0.95), Some("peer")).is_met(value));
        assert_eq!(goal(Bound::AtMost(1.0), None).value(&all).unwrap().median, 96.0);
        assert!(goal(Bound::AtMost(1.0), Some("absent")).value(&all).is_none());
        assert!(goal(Bound::AtMost(1.0), Some("empty")).value(&[series("empty", &[])]).is_none());
    }
}
