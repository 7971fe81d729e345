//! Tokens as the RFCs give them, tokens as attackers make them, and keys as operators
//! mistake them.

mod attacks;
mod loading;
mod vectors;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::rules::SessionError;
use super::{NoSession, Session, SessionRules, SessionTable, Sources};

const RSA: &str = include_str!("keys/rsa.pem");
const P256: &str = include_str!("keys/p256.pem");
const P256_PRIVATE: &str = include_str!("keys/p256-private.pem");
const ED25519: &str = include_str!("keys/ed25519.pem");
const ED25519_PRIVATE: &str = include_str!("keys/ed25519-private.pem");

/// The secret of RFC 7515, appendix A.1, in base64url.
const SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

/// Seconds since 1970 at which these tests are.
const NOW: u64 = 1_800_000_000;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Rules of a table whose `key-env` is `KEY`, and that says where tokens are.
fn load(table: &str, key: &str) -> Result<SessionRules, SessionError> {
    let table = format!("key-env = 'KEY'\nfrom = ['authorization']\n{table}");
    let table: SessionTable = toml::from_str(&table).unwrap();
    let variable = |name: &str| (name == "KEY").then(|| key.to_owned());
    let sources = Sources { folder: Path::new("/nowhere"), confined: false, variable: &variable };
    SessionRules::load(&table, &sources, &[])
}

/// Rules of a table with a JWK set.
fn load_set(algorithms: &str, set: &Value) -> Result<SessionRules, SessionError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys.json"), set.to_string()).unwrap();
    let table =
        format!("algorithm = {algorithms}\njwks-file = 'keys.json'\nfrom = ['authorization']");
    let sources = Sources { folder: folder.path(), confined: false, variable: &|_| None };
    SessionRules::load(&toml::from_str(&table).unwrap(), &sources, &[])
}

fn verify(rules: &SessionRules, token: &str) -> Result<Session, NoSession> {
    rules.verify_token(token.as_bytes(), at(NOW))
}

#[track_caller]
fn refused(rules: &SessionRules, token: &str) -> NoSession {
    verify(rules, token).expect_err("a token that is not good")
}

fn claims() -> Value {
    json!({ "sub": "ada", "exp": NOW + 60 })
}

fn secret() -> EncodingKey {
    let padded = SECRET.replace('-', "+").replace('_', "/") + "==";
    EncodingKey::from_base64_secret(&padded).unwrap()
}

fn sign(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

/// A token of any header, whose signature is made by the secret.
fn sign_raw(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", base64(header.as_bytes()), base64(claims.as_bytes()));
    let algorithm = jsonwebtoken::Algorithm::HS256;
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &secret(), algorithm).unwrap();
    format!("{signed}.{signature}")
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
