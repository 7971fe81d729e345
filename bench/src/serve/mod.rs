//! The peers in Rust: echo servers of tokio-tungstenite.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

mod broadcast;

use broadcast::Topic;

/// How the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Each message is answered and flushed alone; 4 KiB of read buffer
    Plain,
    /// All that is ready is read and answered, then flushed once; buffers of 64 KiB
    Batched,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Options {
    way: Way,
    /// Threads of the runtime
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

type Socket = WebSocketStream<TcpStream>;

/// Serves /echo, /hello and /broadcast on a free port, and prints where.
pub(crate) fn run(options: Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.threads)
        .enable_all()
        .build()?;
    // Accepted on a worker: the main thread would be one more.
    runtime.block_on(async { tokio::spawn(accept(options.way)).await? })
}

async fn accept(way: Way) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("ws://{}", listener.local_addr()?);
    let topic = Arc::new(Topic::default());
    loop {
        let (stream, _) = listener.accept().await.context("can't accept")?;
        let topic = topic.clone();
        tokio::spawn(async move {
            // A client that leaves is no error of the server's.
            let _ = serve(stream, way, &topic).await;
        });
    }
}

async fn serve(stream: TcpStream, way: Way, topic: &Topic) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut path = String::new();
    #[allow(clippy::result_large_err, reason = "the library's own type")]
    let see = |request: &Request, response: Response| {
        request.uri().path().clone_into(&mut path);
        Ok(response)
    };
    let mut socket = accept_hdr_async_with_config(stream, see, Some(way.config())).await?;
    match path.as_str() {
        "/broadcast" => return topic.serve(socket).await,
        "/hello" => socket.send("Hello!".into()).await?,
        _ => {}
    }
    match way {
        Way::Plain => plain(socket).await,
        Way::Batched => batched(socket).await,
    }
}

impl Way {
    fn config(self) -> WebSocketConfig {
        let size = match self {
            Self::Plain => 4 * 1024,
            Self::Batched => 64 * 1024,
        };
        WebSocketConfig::default().read_buffer_size(size)
    }
}

async fn plain(mut socket: Socket) -> Result<(), Error> {
    while let Some(message) = socket.next().await.transpose()? {
        if is_data(&message) {
            socket.send(message).await?;
        }
    }
    Ok(())
}

async fn batched(mut socket: Socket) -> Result<(), Error> {
    while let Some(message) = socket.next().await.transpose()? {
        let mut ready = Some(message);
        while let Some(message) = ready.take() {
            if is_data(&message) {
                socket.feed(message).await?;
            }
            ready = socket.next().now_or_never().flatten().transpose()?;
        }
        socket.flush().await?;
    }
    Ok(())
}

/// Pings and closes are answered by the library.
fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}
