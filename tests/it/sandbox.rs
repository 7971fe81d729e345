//! Promise 7: nothing by default, and nobody else's connections.

use crate::harness::Start;
use crate::harness::guests::{REACHES_FOR_STRANGERS, USES_WASI};

#[tokio::test]
async fn a_guest_finds_no_files_network_environment_or_arguments() {
    let server = Start::with(&[("wasi.wasm", &USES_WASI.bytes())]).run().await;
    let mut client = server.connect("/wasi").await;
    let found = client.ask("ambient").await;
    let nothing = "environment 0, arguments 0, directories 0, network Err(";
    assert!(found.starts_with(nothing), "{found}");
    assert_eq!(client.ask("clocks").await, "time passes: true, random: true");
}

#[tokio::test]
async fn a_guest_reaches_no_connection_but_its_own() {
    let server = Start::with(&[("reaches.wasm", &REACHES_FOR_STRANGERS.bytes())]).run().await;
    let mut victim = server.connect("/reaches").await;
    let mut intruder = server.connect("/reaches").await;
    let stranger = victim.ask("id").await;
    let nothing = "WriteOutcome::Closed CloseOutcome::Closed 0;";
    let reach = format!("reach 0,{stranger},1000000,18446744073709551615");
    assert_eq!(intruder.ask(&reach).await, nothing.repeat(4));
    // Its own it does reach.
    let own = intruder.ask("id").await;
    intruder.send(format!("reach {own}")).await;
    assert_eq!(intruder.text().await, "intruder");
    assert_eq!(victim.ask("unharmed").await, "unharmed");
}

#[tokio::test]
async fn stdout_and_stderr_come_line_by_line_and_escaped() {
    let server = Start::with(&[("wasi.wasm", &USES_WASI.bytes())]).run().await;
    let mut client = server.connect("/wasi").await;
    client.send("out one\\ntwo \u{1b}[31mred\\nno end yet").await;
    client.send("err complaint\\n").await;
    client.send("out , now\\n").await;
    server.log.message("no end yet, now").await;
    let said = server.log.said_by(1);
    assert_eq!(said, ["one", r"two \u{1b}[31mred", "complaint", "no end yet, now"]);
    let line = server.log.message("complaint").await;
    assert_eq!(line.level(), "WARN");
    assert_eq!(line.field("handler").unwrap(), "wasi");
    assert_eq!(line.number("generation"), Some(1));
}
