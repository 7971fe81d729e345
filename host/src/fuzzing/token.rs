//! What a peer shows as a token.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, COOKIE, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value};

use crate::token::{Session, SessionRules, SessionTable, Sources};

/// 32 bytes in base64.
const SECRET: &str = "c29ja2xldCBzb2NrbGV0IHNvY2tsZXQgc29ja2xldCE=";
/// When it is, in seconds.
const NOW: u64 = 1_800_000_000;
const LEEWAY: f64 = 30.0;
const TABLE: &str = "algorithm = 'HS256'\nkey-env = 'KEY'\nissuer = 'us'\naudience = ['a', 'b']\n\
                     from = [{ cookie = 't' }, 'authorization', { query = 't' }, { subprotocol = 't.' }]";

static RULES: LazyLock<SessionRules> = LazyLock::new(|| {
    let table: SessionTable = toml::from_str(TABLE).expect("a table");
    let variable = |_: &str| Some(SECRET.to_owned());
    let sources = Sources { folder: Path::new("/"), confined: true, variable: &variable };
    SessionRules::load(&table, &sources, &["chat".to_owned()]).expect("rules")
});

/// Lines. The first is shown as it is, in each place; no one but who has the key can make
/// a good one, and wherever it was, it is there no more. The second and third are header
/// and claims of a token that is signed with the right key: it is good only where these
/// say what they have to.
pub fn token(bytes: &[u8]) {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let (shown, header, claims) = (next(), next(), next());
    show(shown);
    let signed = sign(header, claims);
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&format!("Bearer {signed}")).expect("base64 is a value");
    headers.insert(AUTHORIZATION, value);
    if let Ok(session) = verify(&mut headers, &mut None) {
        check_header(header);
        check_claims(claims, &session);
    }
}

fn verify(headers: &mut HeaderMap, query: &mut Option<String>) -> Result<Session, ()> {
    let now: SystemTime = UNIX_EPOCH + Duration::from_secs(NOW);
    RULES.verify(headers, query, now).map_err(|why| {
        let why = why.to_string();
        assert!(!why.contains(char::is_control), "{why:?}");
    })
}

/// In each place alone, and then in all of them.
fn show(token: &[u8]) {
    let with = |before: &[u8]| HeaderValue::from_bytes(&[before, token].concat()).ok();
    let places = [
        (COOKIE, with(b"a=b; t=")),
        (AUTHORIZATION, with(b"bearer ")),
        (SEC_WEBSOCKET_PROTOCOL, with(b"chat, t.")),
    ];
    let text = std::str::from_utf8(token).ok();
    let asked = text.map(|text| format!("a=b&t={text}&%74=c"));
    for (name, value) in &places {
        let Some(value) = value else { continue };
        let mut headers = HeaderMap::new();
        headers.insert(name, value.clone());
        judge(headers, None, token);
    }
    judge(HeaderMap::new(), asked.clone(), token);
    let all = places.into_iter().filter_map(|(name, value)| Some((name, value?)));
    judge(all.collect(), asked, token);
}

fn judge(mut headers: HeaderMap, mut query: Option<String>, token: &[u8]) {
    if verify(&mut headers, &mut query).is_ok() {
        assert!(is_signed(token), "a forged token is good");
    }
    // Nothing of it is left where one would look for it.
    assert!(!headers.contains_key(AUTHORIZATION));
    let members = |name, separator: u8| {
        let all = headers
            .get_all(name)
            .into_iter()
            .flat_map(move |value| value.as_bytes().split(move |byte| *byte == separator));
        all.map(<[u8]>::trim_ascii)
    };
    assert!(!members(COOKIE, b';').any(|pair| pair.starts_with(b"t=")));
    assert!(!members(SEC_WEBSOCKET_PROTOCOL, b',').any(|offer| offer.starts_with(b"t.")));
    let pairs = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
    assert!(!pairs.into_iter().any(|(name, _)| name == "t"), "{query:?}");
}

/// Whether somebody with the key has made it: seeds may be such.
fn is_signed(shown: &[u8]) -> bool {
    // Around it there may be white space, other cookies, or quotes.
    let separators = |byte: &u8| b" \t;,\"&".contains(byte);
    shown.split(separators).any(|token| {
        let Ok(token) = std::str::from_utf8(token) else { return false };
        let token = percent_encoding::percent_decode_str(token).decode_utf8_lossy();
        let token = token.trim();
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        signature_of(signed) == signature
    })
}

fn sign(header: &[u8], claims: &[u8]) -> String {
    let signed = format!("{}.{}", base64(header), base64(claims));
    let signature = signature_of(&signed);
    format!("{signed}.{signature}")
}

fn signature_of(signed: &str) -> String {
    let key = EncodingKey::from_base64_secret(SECRET).expect("a secret");
    jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).expect("a signature")
}

/// URL-safe and without padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            text.push(char::from(DIGITS[bits >> (18 - 6 * digit) & 63]));
        }
    }
    text
}

fn check_header(header: &[u8]) {
    let header: Map<String, Value> = serde_json::from_slice(header).expect("a JSON object");
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("crit").is_none_or(Value::is_null), "{header:?}");
}

/// Numbers that are no whole ones of 64 bits are as near as a reader comes.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => {
            let (one, other) = (one.as_f64(), other.as_f64());
            let near = |(one, other): (f64, f64)| (one - other).abs() <= other.abs() * 1e-12;
            one.zip(other).is_some_and(near)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|other| is_same(value, other))
            };
            one.len() == other.len() && one.iter().all(has)
        }
        _ => one == other,
    }
}

fn check_claims(claims: &[u8], session: &Session) {
    let claims: Map<String, Value> = serde_json::from_slice(claims).expect("a JSON object");
    let told: Map<String, Value> = serde_json::from_str(&session.claims).expect("a JSON object");
    assert!(is_same(&Value::Object(told.clone()), &Value::Object(claims.clone())), "{told:?}");
    let now = NOW as f64;
    let exp = claims["exp"].as_f64().expect("a number");
    assert!(exp + LEEWAY > now, "{exp}");
    assert!(session.expires.is_some());
    if let Some(nbf) = claims.get("nbf") {
        assert!(nbf.as_f64().expect("a number") - LEEWAY <= now, "{nbf}");
    }
    assert_eq!(claims["iss"], "us");
    let ours = |audience: &Value| audience == "a" || audience == "b";
    let aud = &claims["aud"];
    assert!(ours(aud) || aud.as_array().is_some_and(|all| all.iter().any(ours)), "{aud}");
}
