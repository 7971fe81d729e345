//! Uses WASI where its standard library can't: `out TEXT` and `err TEXT` write to
//! stdout and stderr (`\n` is a new line), `ambient` answers with what it finds of
//! environment, arguments, directories and network, `environment` with all of it, `params`
//! with what the route captured, `clocks` with whether time passes and random numbers
//! differ, `now` with the nanoseconds of the clock, `sleep MS` waits for MS milliseconds and
//! answers `slept`, `naps MS` does so five times before it answers. After `stay` it
//! waits in `on-close`, again and again, for ever.

#![allow(missing_docs, reason = "generated")]

use socklet_guest::prelude::*;

wit_bindgen::generate!({
    inline: r#"
        package test:wasi;
        world uses {
            import wasi:cli/stdout@0.2.3;
            import wasi:cli/stderr@0.2.3;
            import wasi:cli/environment@0.2.3;
            import wasi:clocks/monotonic-clock@0.2.3;
            import wasi:random/random@0.2.3;
            import wasi:filesystem/preopens@0.2.3;
            import wasi:sockets/instance-network@0.2.3;
            import wasi:sockets/network@0.2.3;
            import wasi:sockets/tcp@0.2.3;
            import wasi:sockets/tcp-create-socket@0.2.3;
        }
        package wasi:io@0.2.3 {
            interface error { resource error; }
            interface poll {
                resource pollable { block: func(); }
            }
            interface streams {
                use error.{error};
                variant stream-error { last-operation-failed(error), closed }
                resource output-stream {
                    blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                }
            }
        }
        package wasi:cli@0.2.3 {
            interface stdout {
                use wasi:io/streams@0.2.3.{output-stream};
                get-stdout: func() -> output-stream;
            }
            interface stderr {
                use wasi:io/streams@0.2.3.{output-stream};
                get-stderr: func() -> output-stream;
            }
            interface environment {
                get-environment: func() -> list<tuple<string, string>>;
                get-arguments: func() -> list<string>;
            }
        }
        package wasi:clocks@0.2.3 {
            interface monotonic-clock {
                use wasi:io/poll@0.2.3.{pollable};
                type instant = u64;
                type duration = u64;
                now: func() -> instant;
                subscribe-duration: func(when: duration) -> pollable;
            }
        }
        package wasi:random@0.2.3 {
            interface random { get-random-u64: func() -> u64; }
        }
        package wasi:filesystem@0.2.3 {
            interface types { resource descriptor; }
            interface preopens {
                use types.{descriptor};
                get-directories: func() -> list<tuple<descriptor, string>>;
            }
        }
        package wasi:sockets@0.2.3 {
            interface network {
                resource network;
                enum error-code {
                    unknown, access-denied, not-supported, invalid-argument, out-of-memory,
                    timeout, concurrency-conflict, not-in-progress, would-block, invalid-state,
                    new-socket-limit, address-not-bindable, address-in-use, remote-unreachable,
                    connection-refused, connection-reset, connection-aborted, datagram-too-large,
                    name-unresolvable, temporary-resolver-failure, permanent-resolver-failure
                }
                enum ip-address-family { ipv4, ipv6 }
                type ipv4-address = tuple<u8, u8, u8, u8>;
                type ipv6-address = tuple<u16, u16, u16, u16, u16, u16, u16, u16>;
                record ipv4-socket-address { port: u16, address: ipv4-address }
                record ipv6-socket-address {
                    port: u16, flow-info: u32, address: ipv6-address, scope-id: u32
                }
                variant ip-socket-address {
                    ipv4(ipv4-socket-address), ipv6(ipv6-socket-address)
                }
            }
            interface instance-network {
                use network.{network};
                instance-network: func() -> network;
            }
            interface tcp {
                use network.{network, ip-socket-address, error-code};
                resource tcp-socket {
                    start-connect: func(network: borrow<network>, remote-address: ip-socket-address)
                        -> result<_, error-code>;
                }
            }
            interface tcp-create-socket {
                use network.{ip-address-family, error-code};
                use tcp.{tcp-socket};
                create-tcp-socket: func(address-family: ip-address-family)
                    -> result<tcp-socket, error-code>;
            }
        }
    "#,
    generate_all,
});

use wasi::clocks::monotonic_clock;
use wasi::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};

#[derive(Default)]
struct UsesWasi {
    stays: bool,
}

impl Handler for UsesWasi {
    fn on_ready(_: &Connection, _: &Request) -> Self {
        UsesWasi::default()
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        let text = message.to_string();
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match word {
            "out" => print(&wasi::cli::stdout::get_stdout(), rest),
            "err" => print(&wasi::cli::stderr::get_stderr(), rest),
            "ambient" => connection.write(ambient()),
            "environment" => {
                let variables = wasi::cli::environment::get_environment();
                connection.write(listed(variables));
            }
            "params" => connection.write(listed(connection.params())),
            "now" => connection.write(monotonic_clock::now().to_string()),
            "clocks" => {
                let before = monotonic_clock::now();
                let random = wasi::random::random::get_random_u64;
                connection.write(format!(
                    "time passes: {}, random: {}",
                    monotonic_clock::now() > before,
                    random() != random()
                ));
            }
            "sleep" => {
                let milliseconds: u64 = rest.parse().unwrap_or(0);
                connection.write("sleeping");
                monotonic_clock::subscribe_duration(milliseconds * 1_000_000).block();
                connection.write("slept");
            }
            "naps" => {
                let milliseconds: u64 = rest.parse().unwrap_or(0);
                for _ in 0..5 {
                    monotonic_clock::subscribe_duration(milliseconds * 1_000_000).block();
                }
                connection.write("slept");
            }
            "stay" => {
                self.stays = true;
                connection.write("staying");
            }
            _ => connection.write(text),
        }
    }

    fn on_close(&mut self, _: &Connection, _: CloseEvent) {
        if self.stays {
            loop {
                monotonic_clock::subscribe_duration(50_000_000).block();
            }
        }
    }
}

fn listed(pairs: Vec<(String, String)>) -> String {
    let pairs = pairs.into_iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join(" ")
}

fn print(stream: &wasi::io::streams::OutputStream, text: &str) {
    // In pieces, as buffered writers do.
    for piece in text.replace("\\n", "\n").as_bytes().chunks(5) {
        if let Err(error) = stream.blocking_write_and_flush(piece) {
            error!("can't print: {error}");
        }
    }
}

fn ambient() -> String {
    let variables = wasi::cli::environment::get_environment().len();
    let arguments = wasi::cli::environment::get_arguments().len();
    let directories = wasi::filesystem::preopens::get_directories().len();
    let network = wasi::sockets::instance_network::instance_network();
    let loopback = IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 9, address: (127, 0, 0, 1) });
    let tcp = wasi::sockets::tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4)
        .and_then(|socket| socket.start_connect(&network, loopback));
    format!(
        "environment {variables}, arguments {arguments}, directories {directories}, network {tcp:?}"
    )
}

socklet_guest::export!(UsesWasi);
