//! What an operator's tools ask the server. Each answer has to be one that the server's
//! own OpenAPI document describes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;

use jsonschema::Validator;
use serde_json::Value;

use super::{Response, Server, http, http_bytes};

/// A request to the admin listener without the token: status and body of its answer.
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

/// One who has the token.
pub(crate) struct Operator {
    pub(crate) admin: SocketAddr,
    pub(crate) token: String,
    pub(crate) document: Value,
    /// Path as in the document, method and status of each answer so far.
    seen: Mutex<BTreeSet<(String, String, u16)>>,
}

impl Operator {
    pub(crate) async fn of(server: &Server) -> Self {
        let admin = server.admin().await;
        let token = std::fs::read_to_string(token_file(server).await).unwrap();
        let (_, document) = get(admin, "/openapi.json").await;
        Self {
            admin,
            token: token.trim().to_owned(),
            document: serde_json::from_str(&document).unwrap(),
            seen: Mutex::default(),
        }
    }

    /// Sends a request such as `GET /handlers`.
    pub(crate) async fn ask(&self, request: &str) -> (u16, Value) {
        self.send(request, &[], b"").await
    }

    /// The same with further headers and content.
    pub(crate) async fn send(&self, request: &str, headers: &[&str], body: &[u8]) -> (u16, Value) {
        let authorization = format!("Authorization: Bearer {}", self.token);
        let headers = [&[&*authorization], headers].concat();
        let response = self.try_send(request, &headers, body).await;
        let json = serde_json::from_str(&response.body).unwrap_or(Value::Null);
        (response.status, json)
    }

    /// The same without the token.
    pub(crate) async fn try_send(&self, request: &str, headers: &[&str], body: &[u8]) -> Response {
        let length = body.len();
        let mut bytes =
            format!("{request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n");
        for header in headers {
            bytes += &format!("{header}\r\n");
        }
        let bytes = [format!("{bytes}\r\n").as_bytes(), body].concat();
        let response = http_bytes(self.admin, &bytes).await;
        self.check(request, &response);
        response
    }

    /// Holds an answer against the document, where that has the request.
    fn check(&self, request: &str, response: &Response) {
        let (method, target) = request.split_once(' ').unwrap();
        let path = target.split('?').next().unwrap();
        let (method, status) = (method.to_lowercase(), response.status);
        let paths = self.document["paths"].as_object().unwrap();
        let Some((template, item)) = paths.iter().find(|(template, _)| is_of(path, template))
        else {
            return;
        };
        let Some(operation) = item.get(&*method) else { return };
        let described = self.follow(&operation["responses"][&*status.to_string()]);
        assert!(described.is_object(), "{request}: {status} is not described: {}", response.body);
        let content_type = response.header("content-type").unwrap();
        let essence = content_type.split(';').next().unwrap();
        let mut schema = described["content"][essence]["schema"].clone();
        assert!(schema.is_object(), "{request}: {status} is not described as {essence}");
        let body = match essence {
            "text/plain" => Value::String(response.body.clone()),
            _ => serde_json::from_str(&response.body).unwrap(),
        };
        // What its references lead to.
        schema["components"] = self.document["components"].clone();
        let validator: Validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{request}: {status}: {errors:?}: {body:#}");
        if let Some(problem) = essence.strip_suffix("problem+json") {
            assert_eq!((problem, &body["status"]), ("application/", &Value::from(status)));
        }
        let headers = described["headers"].as_object().into_iter().flatten();
        for (name, _) in headers {
            assert!(response.header(name).is_some(), "{request}: {status} without {name}");
        }
        self.seen.lock().unwrap().insert((template.clone(), method, status));
    }

    fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).unwrap(),
            None => value,
        }
    }

    /// Each path, method and status that the document describes.
    pub(crate) fn described(&self) -> BTreeSet<(String, String, u16)> {
        let mut all = BTreeSet::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for status in operation["responses"].as_object().into_iter().flatten() {
                    all.insert((path.clone(), method.clone(), status.0.parse().unwrap()));
                }
            }
        }
        all
    }

    /// Those that answers had so far.
    pub(crate) fn seen(&self) -> BTreeSet<(String, String, u16)> {
        self.seen.lock().unwrap().clone()
    }

    /// What is said of one handler.
    pub(crate) async fn handler(&self, name: &str) -> Value {
        let (status, all) = self.ask("GET /handlers").await;
        assert_eq!(status, 200);
        let all = all["handlers"].as_array().unwrap();
        all.iter().find(|handler| handler["name"] == name).cloned().unwrap_or(Value::Null)
    }
}

/// Where the log says that the token lies.
pub(crate) async fn token_file(server: &Server) -> PathBuf {
    let line = server.log.message("admin is listening").await;
    line.field("token").unwrap().as_str().unwrap().into()
}

fn is_of(path: &str, template: &str) -> bool {
    let (path, template): (Vec<_>, Vec<_>) =
        (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path
            .iter()
            .zip(template)
            .all(|(is, template)| template.starts_with('{') || *is == template)
}
