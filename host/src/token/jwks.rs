//! A JWK set (RFC 7517, section 5). Keys of other kinds and for other uses are left
//! out, as the RFC has it; one that is meant for us and can't be used is an error.

use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::key::Key;
use super::table::Algorithm;

const MAX_KEYS: usize = 100;

/// A key with its name, if it has one.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) kid: Option<String>,
    pub(super) key: Key,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

/// What is looked at. Whatever else it says is ignored.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
    /// Of a private key.
    d: Option<IgnoredAny>,
}

impl Jwk {
    /// The one that it is for; none where that is none of ours.
    fn algorithm(&self) -> Option<Algorithm> {
        let algorithm = match (self.kty.as_str(), self.crv.as_deref()) {
            ("oct", _) => Algorithm::HS256,
            ("RSA", _) => Algorithm::RS256,
            ("EC", Some("P-256")) => Algorithm::ES256,
            ("OKP", Some("Ed25519")) => Algorithm::EdDSA,
            _ => return None,
        };
        // Ed25519 is the name that RFC 9864 gives it.
        let named = self.alg.as_deref().is_none_or(|alg| {
            alg == algorithm.name() || algorithm == Algorithm::EdDSA && alg == "Ed25519"
        });
        let signs = self.used_for.as_deref().is_none_or(|used| used == "sig");
        let verifies = self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        (named && signs && verifies).then_some(algorithm)
    }

    fn decoding(&self, algorithm: Algorithm) -> Option<DecodingKey> {
        match algorithm {
            Algorithm::HS256 => super::key::base64_secret(self.k.as_deref()?),
            Algorithm::RS256 => {
                DecodingKey::from_rsa_components(self.n.as_deref()?, self.e.as_deref()?).ok()
            }
            Algorithm::ES256 => {
                let (x, y) = (self.x.as_deref()?, self.y.as_deref()?);
                // 32 bytes each (RFC 7518, section 6.2.1.2).
                (x.len() == 43 && y.len() == 43)
                    .then(|| DecodingKey::from_ec_components(x, y).ok())?
            }
            Algorithm::EdDSA => DecodingKey::from_ed_components(self.x.as_deref()?).ok(),
        }
    }
}

/// The keys for these algorithms. At least one.
pub(super) fn read(content: &str, algorithms: &[Algorithm]) -> Result<Vec<Named>, String> {
    // What serde_json says could quote a key.
    let set: Set = serde_json::from_str(content).map_err(|error| {
        format!(
            "is not a JWK set (line {}, column {}): it is JSON of the form \
             {{\"keys\": [{{\"kty\": …}}, …]}}",
            error.line(),
            error.column()
        )
    })?;
    if set.keys.len() > MAX_KEYS {
        return Err(format!("has more than {MAX_KEYS} keys: leave out those of the past"));
    }
    let mut keys: Vec<Named> = Vec::new();
    for (index, jwk) in set.keys.iter().enumerate() {
        let nth = index + 1;
        if jwk.d.is_some() {
            return Err(format!(
                "has a private key (number {nth}), and that belongs to who signs the tokens and \
                 not here: leave in the public part only"
            ));
        }
        let Some(algorithm) = jwk.algorithm().filter(|algorithm| algorithms.contains(algorithm))
        else {
            continue;
        };
        let key = jwk
            .decoding(algorithm)
            .ok_or_else(|| "is not whole: copy it again".to_owned())
            .and_then(|decoding| Key::new(algorithm, decoding))
            .map_err(|why| format!("has a key (number {nth}) that {why}"))?;
        let twin = |known: &Named| known.kid == jwk.kid && known.key.algorithm == algorithm;
        if keys.iter().any(twin) {
            return Err(format!(
                "has a key (number {nth}) with the kid and the algorithm of another one: \
                 give each a kid of its own"
            ));
        }
        keys.push(Named { kid: jwk.kid.clone(), key });
    }
    if keys.is_empty() {
        let names: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
        return Err(format!(
            "has no key for {}: add one, or name the algorithm of those it has",
            names.join(" or ")
        ));
    }
    Ok(keys)
}
