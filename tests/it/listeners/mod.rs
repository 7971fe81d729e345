//! Where clients connect besides a TCP socket that the server has bound.

mod activation;
mod proxy_protocol;
mod unix;
