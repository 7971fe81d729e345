//! What an operator's tools ask the server.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Server, http};

/// A request to the admin listener: status and body of its answer.
pub(crate) async fn get(admin: SocketAddr, path: &str) -> (u16, String) {
    let response = http(admin, &format!("GET {path}"), &["Host: localhost"]).await;
    (response.status, response.body)
}

/// The samples by name and labels, these in alphabetical order.
pub(crate) async fn metrics(server: &Server) -> BTreeMap<String, f64> {
    let (status, text) = get(server.admin().await, "/metrics").await;
    assert_eq!(status, 200);
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let name = match name.strip_suffix('}').and_then(|name| name.split_once('{')) {
            Some((name, labels)) => {
                let mut labels: Vec<_> = labels.split(',').collect();
                labels.sort_unstable();
                format!("{name}{{{}}}", labels.join(","))
            }
            None => name.to_owned(),
        };
        let earlier = samples.insert(name.clone(), value.parse().unwrap());
        assert_eq!(earlier, None, "{name} twice");
    }
    samples
}
