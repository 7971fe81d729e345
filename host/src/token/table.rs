//! The table `[session]` of a manifest, as it is written.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer, value::StrDeserializer};
use serde::{Deserialize, Deserializer};

/// Has the host verify a signed token (a JWT, RFC 7519) before a connection opens, and
/// hand its claims to the handler, which never sees the token itself.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SessionTable {
    /// How tokens are signed: `HS256`, `RS256`, `ES256` or `EdDSA` (Ed25519); a list of
    /// them with `jwks-file`. Whatever a token says about itself, it is verified by the
    /// algorithm of the key. There is no default.
    pub(crate) algorithm: OneOrMany<Algorithm>,

    /// The variable of the host's environment that holds the key. Exactly one of
    /// `key-env`, `key-file` and `jwks-file` is set. For `HS256` it holds the secret,
    /// see `key-encoding`; for the others the public key in PEM (`BEGIN PUBLIC KEY`).
    pub(crate) key_env: Option<String>,

    /// The file that holds the key, in the same forms; up to 64 KiB. A relative path
    /// starts at the manifest's folder.
    pub(crate) key_file: Option<PathBuf>,

    /// A file that holds a JWK set (RFC 7517, section 5), up to 64 KiB and 100 keys. A
    /// token's `kid` picks the key; a token without one is verified where only one key
    /// of the set fits its algorithm. A relative path starts at the manifest's folder.
    pub(crate) jwks_file: Option<PathBuf>,

    /// How a secret for `HS256` is written: `base64` (the default), with the plain or
    /// the URL-safe alphabet, or `text`, whose bytes are the secret, less the white
    /// space around them. Either way it is at least 32 bytes long.
    pub(crate) key_encoding: Option<KeyEncoding>,

    /// Where a token may be, in this order: `{ cookie = "NAME" }`, `"authorization"`
    /// (the header, as `Bearer TOKEN`), `{ query = "NAME" }`, `{ subprotocol = "PREFIX" }`.
    /// The first place that holds one counts, even where that one is bad. All of these
    /// places are emptied before the handler sees the request. At least one.
    pub(crate) from: Vec<Place>,

    /// The issuer that a token names in `iss`, or a list of which it names one. Without
    /// it any issuer will do whose tokens the key verifies.
    pub(crate) issuer: Option<OneOrMany<String>>,

    /// Who a token is for: one that it names in `aud`, or a list of which it names one.
    /// Without it, a token that names an audience is refused (RFC 7519, section 4.1.3).
    pub(crate) audience: Option<OneOrMany<String>>,

    /// By how much the clocks of host and issuer may differ, up to `5m`: a token is good
    /// that much before its `nbf` and after its `exp`. Default: `30s`.
    #[serde(default = "default_leeway", deserialize_with = "duration")]
    #[schemars(with = "String")]
    pub(crate) leeway: Duration,

    /// Whether a token without `exp` is refused. Default: true.
    #[serde(default = "yes")]
    pub(crate) require_exp: bool,

    /// Whether there is no connection without a good token. Default: true. Where it is
    /// false, a connection with no token or a bad one opens without claims.
    #[serde(default = "yes")]
    pub(crate) required: bool,

    /// What becomes of a handshake without a good token where one is required: `status`
    /// (the default) answers 401, `close` opens the connection and closes it with 1008,
    /// because a page's script can't see a status. The handler hears of neither.
    pub(crate) reject: Option<Reject>,

    /// Whether a connection outlives its token. Default: false, and it is closed with
    /// 1008 when the token's `exp` and the leeway have passed.
    #[serde(default)]
    pub(crate) outlive: bool,
}

/// How a token is signed (RFC 7518, section 3.1, and RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Algorithm {
    /// HMAC with SHA-256 and a shared secret.
    HS256,
    /// RSA, PKCS#1 v1.5, with SHA-256.
    RS256,
    /// ECDSA over P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

/// How a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyEncoding {
    /// In base64, with either alphabet, with padding or without.
    Base64,
    /// As it is.
    Text,
}

/// One place of a request that may hold a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// The cookie of this name.
    Cookie(String),
    /// The header `Authorization`, as `Bearer TOKEN`.
    Authorization,
    /// The parameter of the query that has this name.
    Query(String),
    /// The subprotocol that is offered with this prefix; what follows it is the token.
    Subprotocol(String),
}

/// How a handshake is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reject {
    /// With 401.
    #[default]
    Status,
    /// By opening the connection and closing it with 1008.
    Close,
}

/// One, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum OneOrMany<T> {
    /// As it is.
    One(T),
    /// In brackets.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// By hand, since an untagged enum would only say that nothing has matched.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrList<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for StringOrList<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string or a list of strings")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(StrDeserializer::new(text)).map(OneOrMany::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany::Many)
            }
        }
        deserializer.deserialize_any(StringOrList(PhantomData))
    }
}

const fn yes() -> bool {
    true
}

const fn default_leeway() -> Duration {
    Duration::from_secs(30)
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|_| de::Error::custom("must be a duration such as 30s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORTEST: &str = "algorithm = 'HS256'\nkey-env = 'KEY'\nfrom = ['authorization']\n";

    #[test]
    fn what_is_not_written_has_a_default_that_is_strict() {
        let table: SessionTable = toml::from_str(SHORTEST).unwrap();
        assert_eq!(table.algorithm.as_slice(), [Algorithm::HS256]);
        assert!(table.required && table.require_exp && !table.outlive);
        assert_eq!((table.leeway, table.reject), (Duration::from_secs(30), None));
        assert!(table.issuer.is_none() && table.audience.is_none());
    }

    #[test]
    fn everything_can_be_written() {
        let table: SessionTable = toml::from_str(
            "algorithm = ['RS256', 'ES256', 'EdDSA']\n\
             jwks-file = 'keys.json'\n\
             from = [{ cookie = 'a' }, 'authorization', { query = 'b' }, { subprotocol = 'c.' }]\n\
             issuer = 'https://issuer.example'\n\
             audience = ['a', 'b']\n\
             leeway = '1m 5s'\n\
             require-exp = false\n\
             reject = 'close'\n\
             outlive = true\n",
        )
        .unwrap();
        assert_eq!(table.algorithm.as_slice().len(), 3);
        assert_eq!(table.leeway, Duration::from_secs(65));
        let [cookie, header, query, subprotocol] = &table.from[..] else { panic!() };
        assert_eq!(*cookie, Place::Cookie("a".into()));
        assert_eq!(*header, Place::Authorization);
        assert_eq!(*query, Place::Query("b".into()));
        assert_eq!(*subprotocol, Place::Subprotocol("c.".into()));
        assert_eq!(table.audience.unwrap().as_slice(), ["a", "b"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |line: &str| {
            let text = format!("{SHORTEST}{line}");
            toml::from_str::<SessionTable>(&text).unwrap_err().message().to_owned()
        };
        assert!(wrong("requried = true").contains("unknown field `requried`"));
        assert!(wrong("leeway = 30").contains("expected a string"));
        assert!(wrong("leeway = '30'").contains("must be a duration such as 30s"));
        assert!(wrong("audience = 7").contains("a string or a list of strings"));
        let of_algorithm = |value: &str| {
            let text = format!("algorithm = {value}\nkey-env = 'KEY'\nfrom = ['authorization']");
            toml::from_str::<SessionTable>(&text).unwrap_err().message().to_owned()
        };
        for value in ["'none'", "'HS512'", "'hs256'", "['HS256', 'none']"] {
            assert!(of_algorithm(value).contains("unknown variant"), "{value}");
        }
    }

    #[test]
    fn an_editor_can_be_told_what_may_be_written() {
        let schema = serde_json::to_value(schemars::schema_for!(SessionTable)).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        for (name, property) in properties {
            assert!(property.get("description").is_some(), "{name}");
        }
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], serde_json::json!(["algorithm", "from"]));
    }
}
