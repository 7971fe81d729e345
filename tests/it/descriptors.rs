//! The limit of open files: raised where it may be, heeded where it may not.

use crate::harness::{Client, Start};

#[tokio::test]
async fn the_soft_limit_is_raised_to_the_hard_one() {
    let server = Start::embedded().shell("ulimit -Sn 100").run().await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(server.connect("/echo").await);
    }
    for client in &mut clients {
        assert_eq!(client.ask("here").await, "here");
    }
}

#[tokio::test]
async fn connections_that_the_limit_has_no_room_for_get_503() {
    let server = Start::embedded().shell("ulimit -n 300").run().await;
    let line = server.log.message("max-connections is ").await;
    let room: usize = line.message().split(' ').nth(2).unwrap().parse().unwrap();
    let mut clients = Vec::new();
    for _ in 0..room {
        clients.push(server.connect("/echo").await);
    }
    for _ in 0..100 {
        let refused = Client::try_connect(&server.url("/echo"), &[]).await.err();
        assert_eq!(refused.map(|status| status.as_u16()), Some(503));
    }
    for client in &mut clients {
        assert_eq!(client.ask("here").await, "here");
    }
    // And there is room again where one has ended.
    clients.pop().unwrap().close(1000, "").await;
    assert_eq!(server.connect("/echo").await.ask("here").await, "here");
}
