//! The loop that accepts sockets. It never waits for one of them, and no error ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::handshake::origin::Origins;
use crate::host::{Accepted, Departed, Host, serve_socket};
use crate::listener::Listener;
use crate::tls::Tls;

/// Accepts until `stop` or `stop_accepting`, and has each socket served by a task among
/// `tasks`. At `stop` handshakes that are not done end as well.
pub(crate) async fn accept(
    listener: Listener,
    host: Arc<Host>,
    tls: Option<Arc<Tls>>,
    tasks: TaskTracker,
    stop_accepting: CancellationToken,
    stop: CancellationToken,
) {
    const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
    const LONGEST_PAUSE: Duration = Duration::from_secs(1);
    let mut pause = SHORTEST_PAUSE;
    let endpoint = listener.endpoint();
    let origins = Origins::new(&host.config.allow_origins, &host.config.hosts, endpoint);
    let origins = Arc::new(origins.with_loopback_origins(host.config.development));
    let mut failures = 0u64;
    loop {
        let next = async {
            let permit = host.handshakes.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = stop_accepting.cancelled() => return,
            next = next => next,
        };
        // The semaphore is never closed.
        let Ok(permit) = permit else { return };
        match accepted {
            Ok((socket, peer)) => {
                (pause, failures) = (SHORTEST_PAUSE, 0);
                let place = if endpoint.proxy_protocol {
                    None
                } else {
                    let Some(place) = host.begin_handshake(peer) else {
                        tracing::debug!(%peer, "closed unheard: {}", Departed::Address);
                        continue;
                    };
                    Some(place)
                };
                let tls = tls.as_ref().map(|tls| tls.acceptor());
                let accepted = Accepted { socket, peer, place, tls, handshaking: permit };
                let serve = serve_socket(accepted, host.clone(), origins.clone(), stop.clone());
                tasks.spawn(serve);
            }
            // The peer went away while it waited: its affair alone.
            Err(error) if is_of_one_peer(&error) => {}
            Err(error) => {
                failures += 1;
                // What lasts is said ever more rarely.
                if failures.is_power_of_two() {
                    let address = &endpoint.address;
                    tracing::error!(%address, failures, "can't accept: {error}: trying again");
                }
                tokio::select! {
                    () = sleep(pause) => {}
                    () = stop_accepting.cancelled() => return,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn is_of_one_peer(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
