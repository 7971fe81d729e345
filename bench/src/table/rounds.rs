//! The samples of one row: who is next, and which are kept.

use std::time::Duration;

use anyhow::Result;

use super::figures::{Figures, Series};
use crate::meter::{Usage, wait_for_calm};

/// What one sample found.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) figures: Figures,
    pub(crate) usage: Usage,
    /// What there is to be told beside figures.
    pub(crate) remark: Option<String>,
}

/// How often a sample is tried, and how long at most is waited for calm in between.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Tries after one that foreign load spoiled.
    pub(crate) spoiled: usize,
    /// Tries after one that failed.
    pub(crate) failed: usize,
    pub(crate) pause: Duration,
}

/// The order of a round: contenders alternate, so that what the machine does over time
/// hits all of them alike, and each begins a round in turn.
pub(super) fn turns(round: usize, contenders: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |turn| (round + turn) % contenders)
}

/// Takes one sample, anew where foreign load spoiled it. After the last try the least
/// spoiled one is kept, and counted as doubtful.
pub(super) fn take(
    series: &mut Series,
    columns: usize,
    patience: Patience,
    mut sample: impl FnMut() -> Result<Sample>,
    tell: impl Fn(&str),
) {
    let (mut spoiled, mut failed) = (Vec::new(), 0);
    let kept = loop {
        match sample() {
            Ok(sample) if !sample.usage.is_disturbed() => break Some(sample),
            Ok(sample) => {
                if patience.spoiled > 0 {
                    let share = sample.usage.foreign.unwrap_or_default() * 100.0;
                    tell(&format!("spoiled: {share:.0} % of all cores was busy otherwise"));
                }
                spoiled.push(sample);
            }
            Err(error) => {
                failed += 1;
                let remark = format!("failed: {error:#}");
                tell(&remark);
                series.remark = Some(remark);
            }
        }
        if failed > patience.failed || spoiled.len() > patience.spoiled {
            series.doubtful += usize::from(!spoiled.is_empty());
            break least_spoiled(&mut spoiled);
        }
        wait_for_calm(patience.pause);
    };
    series.dropped += spoiled.len();
    let Some(sample) = kept else {
        // Rounds are compared with each other, so each has its place.
        series.samples.push(vec![f64::NAN; columns]);
        return;
    };
    series.unseen += usize::from(sample.usage.foreign.is_none());
    series.samples.push(sample.figures);
    if sample.remark.is_some() {
        series.remark = sample.remark;
    }
}

/// Takes out the sample that the least foreign load is in.
fn least_spoiled(samples: &mut Vec<Sample>) -> Option<Sample> {
    let share = |number: &usize| samples[*number].usage.foreign.unwrap_or_default();
    let least = (0..samples.len()).min_by(|a, b| share(a).total_cmp(&share(b)))?;
    Some(samples.swap_remove(least))
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    /// Takes one sample of these: a figure and the foreign share, or a failure.
    fn taken(results: &[Result<(f64, f64), &'static str>]) -> Series {
        let (mut series, mut results) = (Series::default(), results.iter());
        let patience = Patience { spoiled: 2, failed: 1, pause: Duration::ZERO };
        let sample = || match results.next().expect("no more tries than these") {
            Ok((figure, foreign)) => Ok(Sample {
                figures: vec![*figure],
                usage: Usage { foreign: Some(*foreign), ..Usage::default() },
                remark: None,
            }),
            Err(error) => Err(anyhow!(*error)),
        };
        take(&mut series, 1, patience, sample, |_| {});
        assert!(results.next().is_none(), "it stopped trying");
        series
    }

    #[test]
    fn a_spoiled_sample_is_dropped_and_taken_anew() {
        let series = taken(&[Ok((1.0, 0.5)), Ok((2.0, 0.0))]);
        assert_eq!(series.samples, [[2.0]]);
        assert_eq!((series.dropped, series.doubtful), (1, 0));
    }

    #[test]
    fn the_least_spoiled_one_is_kept_in_the_end_and_counted() {
        let series = taken(&[Ok((1.0, 0.5)), Ok((2.0, 0.1)), Ok((3.0, 0.2))]);
        assert_eq!(series.samples, [[2.0]]);
        assert_eq!((series.dropped, series.doubtful), (2, 1));
    }

    #[test]
    fn a_failure_is_tried_again_and_told_if_it_stays() {
        let series = taken(&[Err("once"), Ok((1.0, 0.0))]);
        assert_eq!(series.samples, [[1.0]]);
        let series = taken(&[Err("once"), Err("twice")]);
        assert!(series.samples[0][0].is_nan());
        assert_eq!(series.remark.as_deref(), Some("failed: twice"));
    }

    #[test]
    fn each_contender_takes_part_once_and_begins_in_turn() {
        assert_eq!(turns(0, 3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(turns(1, 3).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!(turns(5, 3).collect::<Vec<_>>(), [2, 0, 1]);
    }
}
