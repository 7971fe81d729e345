//! Pieces that come in quick succession are handed on as one. An upstream decides how small
//! they are, and each costs the guest the same whatever it holds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep_until};

/// So much is handed on whenever it is there.
const ENOUGH: usize = 16 * 1024;
/// Less than that is not handed on sooner than this after the piece before it.
const APART: Duration = Duration::from_millis(1);

pub(super) struct Gathered<B: Body> {
    body: B,
    held: BytesMut,
    /// When the last piece was handed on.
    handed_at: Option<Instant>,
    /// Runs while something is held.
    waiting: Option<Pin<Box<Sleep>>>,
    /// What has come after that which is held.
    next: Option<Option<Result<Frame<Bytes>, B::Error>>>,
}

impl<B: Body> Gathered<B> {
    pub(super) fn new(body: B) -> Self {
        Self { body, held: BytesMut::new(), handed_at: None, waiting: None, next: None }
    }

    fn hand_on(&mut self, data: Bytes) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.handed_at = Some(Instant::now());
        self.waiting = None;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn hand_on_held(&mut self) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let held = std::mem::take(&mut self.held);
        self.hand_on(held.freeze())
    }

    fn is_soon(&self) -> bool {
        self.handed_at.is_some_and(|at| at.elapsed() < APART)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Gathered<B>
where
    B::Error: Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(next);
        }
        while let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let data = match frame {
                Some(Ok(frame)) => frame.into_data().map_err(|frame| Some(Ok(frame))),
                other => Err(other),
            };
            match data {
                Ok(data) if self.held.is_empty() && (data.len() >= ENOUGH || !self.is_soon()) => {
                    return self.hand_on(data);
                }
                Ok(data) => {
                    self.held.extend_from_slice(&data);
                    if self.held.len() >= ENOUGH {
                        return self.hand_on_held();
                    }
                }
                Err(other) if self.held.is_empty() => return Poll::Ready(other),
                Err(other) => {
                    self.next = Some(other);
                    return self.hand_on_held();
                }
            }
        }
        let Some(handed_at) = self.handed_at.filter(|_| !self.held.is_empty()) else {
            return Poll::Pending;
        };
        let sleep = || Box::pin(sleep_until(handed_at + APART));
        match self.waiting.get_or_insert_with(sleep).as_mut().poll(cx) {
            Poll::Ready(()) => self.hand_on_held(),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use http_body_util::BodyExt as _;

    use super::*;

    type Step = Result<Bytes, &'static str>;

    /// A body of these steps, each as long after the one before it.
    struct Scripted {
        steps: VecDeque<(Duration, Step)>,
        sleep: Pin<Box<Sleep>>,
    }

    impl Scripted {
        fn new(steps: Vec<(Duration, Step)>) -> Self {
            let first = steps.first().map_or(Duration::ZERO, |(after, _)| *after);
            let sleep = Box::pin(sleep_until(Instant::now() + first));
            Self { steps: steps.into(), sleep }
        }
    }

    impl Body for Scripted {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            if self.steps.is_empty() {
                return Poll::Ready(None);
            }
            std::task::ready!(self.sleep.as_mut().poll(cx));
            let (_, step) = self.steps.pop_front().unwrap();
            if let Some((after, _)) = self.steps.front() {
                let next = Instant::now() + *after;
                self.sleep.as_mut().reset(next);
            }
            Poll::Ready(Some(step.map(Frame::data)))
        }
    }

    async fn pieces(steps: Vec<(u64, Step)>) -> Vec<String> {
        let steps = steps.into_iter().map(|(after, step)| (Duration::from_millis(after), step));
        let mut body = Gathered::new(Scripted::new(steps.collect()));
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(match frame {
                Ok(frame) => String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap(),
                Err(error) => error.to_owned(),
            });
        }
        pieces
    }

    fn bytes(text: &'static str) -> Step {
        Ok(Bytes::from(text))
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_quick_succession_is_one_piece() {
        let at_once = ["a", "b", "c", "d"].map(|text| (0, bytes(text)));
        // The first waits for nobody.
        assert_eq!(pieces(at_once.to_vec()).await, ["a", "bcd"]);
        let in_time = ["a", "b", "c"].map(|text| (5, bytes(text)));
        assert_eq!(pieces(in_time.to_vec()).await, ["a", "b", "c"]);
        let broken = vec![(0, bytes("a")), (0, bytes("b")), (0, Err("broken"))];
        assert_eq!(pieces(broken).await, ["a", "b", "broken"]);
        assert_eq!(pieces(Vec::new()).await, Vec::<String>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_is_handed_on_in_time_though_nothing_more_comes() {
        let steps = vec![(0, bytes("a")), (0, bytes("b")), (60_000, bytes("c"))];
        let steps = steps.into_iter().map(|(after, step)| (Duration::from_millis(after), step));
        let mut body = Gathered::new(Scripted::new(steps.collect()));
        let began = Instant::now();
        body.frame().await.unwrap().unwrap();
        let second = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(second, "b");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_large_is_handed_on_at_once() {
        let large = || (0, Ok(Bytes::from(vec![b'x'; ENOUGH])));
        let small = || (0, bytes("x"));
        let lengths = pieces(vec![large(), large(), small(), large(), small()]).await;
        let lengths: Vec<_> = lengths.iter().map(String::len).collect();
        assert_eq!(lengths, [ENOUGH, ENOUGH, ENOUGH + 1, 1]);
    }
}
