//! In which order files are loaded: first come, first served, on two ways.
//!
//! What has been compiled before is loaded at once. What has not waits for its turn
//! apart, so that nobody waits for another one's compiling who need not; and what has
//! come to a limit of compiling waits for all others.

use std::collections::VecDeque;

/// Files that are read and looked up at a time, and one that is compiled.
const MAX_LOOKS: usize = 2;
/// Files that are loaded at a time, all in all.
pub(crate) const MAX_JOBS: usize = MAX_LOOKS + 1;

/// Routes whose files wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    looks: VecDeque<String>,
    compiles: VecDeque<String>,
    costly: VecDeque<String>,
    looking: usize,
    compiling: bool,
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is loaded if it need not be compiled for that.
    Look,
    Compile,
}

impl Queue {
    /// The file has to be looked at.
    pub(crate) fn look(&mut self, route: &str) {
        add(&mut self.looks, route);
    }

    /// The file has to be compiled; after all others where that was `costly` before.
    pub(crate) fn compile(&mut self, route: &str, costly: bool) {
        self.remove(route);
        add(if costly { &mut self.costly } else { &mut self.compiles }, route);
    }

    pub(crate) fn remove(&mut self, route: &str) {
        for queue in [&mut self.looks, &mut self.compiles, &mut self.costly] {
            queue.retain(|waiting| waiting != route);
        }
    }

    /// What is to be begun next, among those that `may` be begun. It has to be
    /// [`done`](Self::done) before long.
    pub(crate) fn next(&mut self, may: impl Fn(&str) -> bool) -> Option<(String, Step)> {
        if self.looking < MAX_LOOKS
            && let Some(route) = take(&mut self.looks, &may)
        {
            self.looking += 1;
            return Some((route, Step::Look));
        }
        if !self.compiling
            && let Some(route) =
                take(&mut self.compiles, &may).or_else(|| take(&mut self.costly, &may))
        {
            self.compiling = true;
            return Some((route, Step::Compile));
        }
        None
    }

    pub(crate) fn done(&mut self, step: Step) {
        match step {
            Step::Look => self.looking -= 1,
            Step::Compile => self.compiling = false,
        }
    }
}

fn add(queue: &mut VecDeque<String>, route: &str) {
    if !queue.iter().any(|waiting| waiting == route) {
        queue.push_back(route.to_owned());
    }
}

fn take(queue: &mut VecDeque<String>, may: impl Fn(&str) -> bool) -> Option<String> {
    let at = queue.iter().position(|route| may(route))?;
    queue.remove(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(queue: &mut Queue) -> Option<(String, Step)> {
        queue.next(|_| true)
    }

    #[test]
    fn who_is_compiled_holds_up_nobody_who_need_not_be() {
        let mut queue = Queue::default();
        queue.compile("/bomb", false);
        queue.compile("/second", false);
        assert_eq!(next(&mut queue), Some(("/bomb".into(), Step::Compile)));
        assert_eq!(next(&mut queue), None);
        for route in ["/z", "/a", "/m"] {
            queue.look(route);
        }
        assert_eq!(next(&mut queue), Some(("/z".into(), Step::Look)));
        assert_eq!(next(&mut queue), Some(("/a".into(), Step::Look)));
        assert_eq!(next(&mut queue), None);
        queue.done(Step::Look);
        assert_eq!(next(&mut queue), Some(("/m".into(), Step::Look)));
        queue.done(Step::Compile);
        assert_eq!(next(&mut queue), Some(("/second".into(), Step::Compile)));
    }

    #[test]
    fn what_is_known_to_be_costly_comes_last_whoever_comes_after_it() {
        let mut queue = Queue::default();
        queue.compile("/bomb", true);
        queue.compile("/late", false);
        assert_eq!(next(&mut queue), Some(("/late".into(), Step::Compile)));
        queue.done(Step::Compile);
        assert_eq!(next(&mut queue), Some(("/bomb".into(), Step::Compile)));
    }

    #[test]
    fn a_route_waits_once_and_not_while_it_may_not_be_begun() {
        let mut queue = Queue::default();
        queue.look("/a");
        queue.look("/a");
        assert_eq!(queue.next(|route| route != "/a"), None);
        assert_eq!(next(&mut queue), Some(("/a".into(), Step::Look)));
        assert_eq!(next(&mut queue), None);
    }
}
