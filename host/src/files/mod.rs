//! A page of one's own: the files below a directory, for browsers.
//!
//! hyper-staticfile finds and reads them; `beneath` is how they are opened. What is
//! here is what an answer says beside that.

mod beneath;

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{
    CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, StatusCode, Uri};
use hyper_staticfile::util::FileResponseBuilder;
use hyper_staticfile::{AcceptEncoding, ResolveResult, ResolvedFile, Resolver};

use crate::route;
use beneath::Beneath;

/// A few words, or a file that is read as it is sent.
pub(crate) type Response = hyper::Response<Either<Full<Bytes>, hyper_staticfile::Body>>;

/// What a request says about the file that it wants.
pub(crate) struct Wanted<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
}

pub(crate) struct Files {
    resolver: Resolver<Beneath>,
}

impl Files {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { resolver: Resolver::with_opener(Beneath(directory)) }
    }

    /// Whether anything can be opened at all.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.resolver.opener.check()
    }

    /// What answers a GET or HEAD request whose path is well-formed; none where there is
    /// no file for it.
    pub(crate) async fn find(&self, wanted: &Wanted<'_>) -> Option<Response> {
        let path = wanted.uri.path();
        let mut response = match self.resolver.resolve_path(path, AcceptEncoding::none()).await {
            Ok(ResolveResult::Found(file)) => answer(wanted, file)?,
            Ok(ResolveResult::IsDirectory { redirect_to }) => redirect(wanted, &redirect_to)?,
            Ok(_) => return None,
            Err(error) => {
                tracing::debug!("a file can't be opened: {error}");
                return None;
            }
        };
        let headers = response.headers_mut();
        // A file that has changed is seen at the next look.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Some(response)
    }
}

/// A folder is a page below itself, so that its links lead where they should.
fn redirect(wanted: &Wanted<'_>, to: &str) -> Option<Response> {
    let mut to = route::encode(to);
    if let Some(query) = wanted.uri.query() {
        to += &format!("?{query}");
    }
    let mut response = short(StatusCode::MOVED_PERMANENTLY);
    response.headers_mut().insert(LOCATION, to.parse().ok()?);
    Some(response)
}

fn answer(wanted: &Wanted<'_>, file: ResolvedFile) -> Option<Response> {
    let (size, content_type) = (file.size, content_type(&file));
    let headers = wanted.headers;
    let mut build = FileResponseBuilder::new();
    // An entity tag is the more exact of the two (RFC 9110, section 13.2.2).
    if !headers.contains_key(IF_NONE_MATCH) {
        build.if_modified_since_header(headers.get(IF_MODIFIED_SINCE));
    }
    // Of many ranges one could make an answer that is many times the file.
    let range = headers.get(RANGE).filter(|range| !range.as_bytes().contains(&b','));
    if wanted.method == Method::GET {
        build.range_header(range).if_range(headers.get(IF_RANGE));
    }
    // All that is said is made of numbers and of the types that the library knows.
    let response = build.build(file).ok()?;
    let mut response = match response.headers().get(ETAG) {
        Some(etag) if is_among(etag, headers) => {
            let mut not_modified = short(StatusCode::NOT_MODIFIED);
            for name in [ETAG, LAST_MODIFIED] {
                if let Some(value) = response.headers().get(&name) {
                    not_modified.headers_mut().insert(name, value.clone());
                }
            }
            not_modified
        }
        _ => response.map(Either::Right),
    };
    match response.status() {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {
            response.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            let all = format!("bytes */{size}").parse().ok()?;
            response.headers_mut().insert(CONTENT_RANGE, all);
            *response.body_mut() = Either::Left(Full::default());
        }
        _ => *response.body_mut() = Either::Left(Full::default()),
    }
    if wanted.method == Method::HEAD {
        *response.body_mut() = Either::Left(Full::default());
    }
    Some(response)
}

/// The type that its name stands for. Text is UTF-8.
fn content_type(file: &ResolvedFile) -> HeaderValue {
    let known = file.content_type.as_deref();
    let with_charset = known
        .filter(|known| known.starts_with("text/") && !known.contains("charset"))
        .map(|known| format!("{known}; charset=utf-8"));
    let text = with_charset.as_deref().or(known).unwrap_or("application/octet-stream");
    HeaderValue::from_str(text)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

/// Whether the request has this version already (RFC 9110, section 13.1.2).
fn is_among(etag: &HeaderValue, headers: &HeaderMap) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(etag) = etag.to_str().map(opaque) else { return false };
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    known
        .flat_map(|known| known.split(','))
        .any(|known| known.trim() == "*" || opaque(known) == etag)
}

fn short(status: StatusCode) -> Response {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_known(tags: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for tags in tags {
            headers.append(IF_NONE_MATCH, HeaderValue::from_static(tags));
        }
        is_among(&HeaderValue::from_static("W/\"5-1.2\""), &headers)
    }

    #[test]
    fn a_version_is_known_by_any_of_its_tags_strong_or_weak() {
        for tags in ["W/\"5-1.2\"", "\"5-1.2\"", "\"x\", W/\"5-1.2\"", "*"] {
            assert!(is_known(&[tags]), "{tags}");
        }
        assert!(is_known(&["\"x\"", "\"5-1.2\""]));
        for tags in ["", "\"5-1.3\"", "5-1.2"] {
            assert!(!is_known(&[tags]), "{tags}");
        }
        assert!(!is_known(&[]));
    }
}
