//! `try N SIZE` writes N binary messages of SIZE bytes with `try_write` and logs
//! the outcomes; `write N SIZE` does so with `write`. `amount` answers with the
//! buffered amount, `close` closes; everything else is echoed.

use socklet_guest::WriteError;
use socklet_guest::prelude::*;

struct Floods;

impl Handler for Floods {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        Floods
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        let text = message.as_text().unwrap_or_default();
        let words: Vec<&str> = text.split(' ').collect();
        let size = |word: &str| word.parse::<usize>().unwrap_or(0);
        match words[..] {
            ["try", count, bytes] => {
                let payload = vec![7; size(bytes)];
                let mut outcomes = [0; 4];
                for _ in 0..size(count) {
                    outcomes[match connection.try_write(&payload) {
                        Ok(()) => 0,
                        Err(WriteError::Full) => 1,
                        Err(WriteError::Closed) => 2,
                        Err(_) => 3,
                    }] += 1;
                }
                let [queued, full, closed, too_large] = outcomes;
                let amount = connection.buffered_amount();
                info!(
                    "queued={queued} full={full} closed={closed} too-large={too_large} buffered={amount}"
                );
            }
            ["write", count, bytes] => {
                let payload = vec![7; size(bytes)];
                for _ in 0..size(count) {
                    connection.write(&payload);
                }
            }
            ["close"] => {
                connection.close(1000, "");
            }
            ["amount"] => connection.write(connection.buffered_amount().to_string()),
            _ => connection.write(message),
        }
    }

    fn on_close(&mut self, _: &Connection, event: CloseEvent) {
        let CloseEvent { origin, code, detail, .. } = event;
        info!("closed: {origin:?} {code} {detail:?}");
    }
}

socklet_guest::export!(Floods);
