//! Live instances cost the kernel mappings, of which a process may have only so many
//! (`vm.max_map_count`): what does not fit is refused before that runs out.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::harness::{Client, Start, upgraded};

#[tokio::test]
async fn instances_that_have_no_room_get_503_and_the_server_lives() {
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }).unwrap();
    let server = Start::embedded().arg("--max-instances=1000000").run().await;
    let line = server.log.message("max-instances is ").await;
    assert!(line.message().contains("vm.max_map_count"), "{}", line.message());
    let room: usize = line.message().split(' ').nth(2).unwrap().parse().unwrap();
    if files.maximum.is_some_and(|most| most < room as u64 + 500) {
        return eprintln!("skipped: no descriptors for {room} clients");
    }
    // One handler does not get the last eighth.
    let mut clients = Vec::new();
    let mut fill = async |route: &str, count: usize| {
        for _ in 0..count {
            clients.push(upgraded(server.address, route).await);
        }
        let refused = Client::try_connect(&server.url(route), &[]).await.err();
        assert_eq!(refused.map(|status| status.as_u16()), Some(503), "{route}");
    };
    let of_one = room - room / 8;
    fill("/echo", of_one).await;
    fill("/whoami", room - of_one).await;
    server.log.message("handshake refused: max-instances, bounded by").await;
    let maps = std::fs::read_to_string(server.proc("maps")).unwrap().lines().count();
    let most: usize =
        std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().unwrap();
    assert!(maps < most, "{maps} of {most}");
    clients.pop();
    let again = async { while Client::try_connect(&server.url("/whoami"), &[]).await.is_err() {} };
    crate::harness::within("room", again).await;
}
