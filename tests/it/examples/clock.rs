//! The clock, as those see it who look at it.

use std::time::{Duration, Instant};

use super::{server_of, start_of};
use crate::harness::{Client, LogLine, example};

async fn tick(client: &mut Client) -> u64 {
    client.text().await.parse().unwrap()
}

#[tokio::test]
async fn it_ticks_for_everybody_and_reminds_who_asked() {
    let server = server_of("clock").await;
    let mut ada = server.connect("/clock").await;
    assert_eq!(tick(&mut ada).await, 1);
    let mut bob = server.connect("/clock").await;
    assert_eq!(ada.ask("remind 0.05 the tea").await, "* you will be reminded");
    assert_eq!(ada.text().await, "! the tea");
    assert_eq!((tick(&mut ada).await, tick(&mut bob).await), (2, 2));
    for nonsense in ["hello", "remind me"] {
        assert_eq!(bob.ask(nonsense).await, "* say remind SECONDS TEXT");
    }
    let answer = bob.ask("remind 0 x").await;
    assert_eq!(answer, "* not this time: a timer takes 10 ms to 365 days");
}

#[tokio::test]
async fn a_peer_has_eight_reminders_and_they_go_with_it() {
    let server = start_of("clock").arg("--max-timers=10").run().await;
    let mut ada = server.connect("/clock").await;
    for number in 0..9 {
        let answer = ada.ask("remind 600 x").await;
        let expected =
            if number < 8 { "* you will be reminded" } else { "* you have 8 reminders already" };
        assert_eq!(answer, expected);
    }
    let mut bob = server.connect("/clock").await;
    assert_eq!(bob.ask("remind 600 x").await, "* you will be reminded");
    assert_eq!(bob.ask("remind 600 x").await, "* not this time: there are too many timers");
    ada.close(1000, "").await;
    for _ in 0..7 {
        while bob.ask("remind 600 x").await != "* you will be reminded" {}
    }
}

#[tokio::test]
async fn it_ticks_on_when_it_is_replaced() {
    let server = server_of("clock").await;
    let mut client = server.connect("/clock").await;
    assert_eq!(client.ask("remind 1.5 after the swap").await, "* you will be reminded");
    assert_eq!(tick(&mut client).await, 1);
    let began = Instant::now();
    // The same with a section that says nothing is another component.
    server.put("clock.wasm", &[&example("clock")[..], &[0, 2, 1, b'x']].concat());
    let serves = |line: &LogLine| line.number("generation") == Some(2);
    server.log.wait("generation 2", serves).await;
    assert_eq!(client.text().await, "! after the swap");
    assert_eq!(tick(&mut client).await, 2);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
