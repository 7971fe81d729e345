//! What one client sends, all others receive.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Socket, is_data};

/// Messages that may wait for one subscriber; one more is not sent to it.
const WAITING: usize = 1024;

/// Its subscribers, each with a queue.
#[derive(Default)]
pub(super) struct Topic(Mutex<Subscribers>);

#[derive(Default)]
struct Subscribers {
    last: u64,
    queues: HashMap<u64, mpsc::Sender<Message>>,
}

impl Topic {
    pub(super) async fn serve(&self, mut socket: Socket) -> Result<(), Error> {
        let (id, mut queue) = self.subscribe();
        let result = loop {
            let happened = tokio::select! {
                message = queue.recv() => send(&mut socket, message, &mut queue).await,
                message = socket.next() => match message {
                    Some(Ok(message)) if is_data(&message) => {
                        self.publish(id, &message);
                        Ok(())
                    }
                    Some(Ok(_)) => Ok(()),
                    Some(Err(error)) => Err(error),
                    None => break Ok(()),
                },
            };
            if happened.is_err() {
                break happened;
            }
        };
        self.lock().queues.remove(&id);
        result
    }

    fn subscribe(&self) -> (u64, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut subscribers = self.lock();
        subscribers.last += 1;
        let id = subscribers.last;
        subscribers.queues.insert(id, sender);
        (id, receiver)
    }

    fn publish(&self, from: u64, message: &Message) {
        for (id, queue) in &self.lock().queues {
            if *id != from {
                let _ = queue.try_send(message.clone());
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Subscribers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends this message and those that wait behind it, and flushes once.
async fn send(
    socket: &mut Socket,
    first: Option<Message>,
    queue: &mut mpsc::Receiver<Message>,
) -> Result<(), Error> {
    let mut next = first;
    while let Some(message) = next {
        socket.feed(message).await?;
        next = queue.recv().now_or_never().flatten();
    }
    socket.flush().await
}
