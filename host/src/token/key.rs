//! A key from its file or variable, or a word about what is wrong with it. No such
//! word quotes what the key is made of.

use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{AlgorithmFamily, DecodingKey, DecodingKeyKind};

use super::table::{Algorithm, KeyEncoding};

/// RFC 7518, section 3.2: as long as the hash.
const MIN_SECRET_BYTES: usize = 32;
/// RFC 7518, section 3.3, and what the library takes.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A key, and the one algorithm that it is used with (RFC 8725, section 3.1).
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

impl Algorithm {
    pub(super) fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::HS256 => jsonwebtoken::Algorithm::HS256,
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
            Self::ES256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }

    /// The kind of key that it is used with.
    fn of_key(self) -> &'static str {
        match self {
            Self::HS256 => "a secret",
            Self::RS256 => "an RSA key",
            Self::ES256 => "an elliptic curve key on P-256",
            Self::EdDSA => "an Ed25519 key",
        }
    }
}

impl Key {
    /// The content of a file or a variable.
    pub(super) fn read(
        content: &str,
        algorithm: Algorithm,
        encoding: KeyEncoding,
    ) -> Result<Self, String> {
        let content = content.trim();
        if content.is_empty() {
            return Err("is empty: put the key there".to_owned());
        }
        let decoding = match algorithm {
            Algorithm::HS256 => secret(content, encoding)?,
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA => public(content, algorithm)?,
        };
        Self::new(algorithm, decoding)
    }

    /// Tries out whether the library will take it, and whether it is strong enough.
    pub(super) fn new(algorithm: Algorithm, decoding: DecodingKey) -> Result<Self, String> {
        let unfit =
            || format!("is not {}, which {} needs: {ADVICE}", algorithm.of_key(), algorithm.name());
        match (decoding.family(), decoding.kind()) {
            (AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
                let bytes = secret.len();
                if bytes < MIN_SECRET_BYTES {
                    return Err(format!(
                        "is a secret of {bytes} bytes, and HS256 needs {MIN_SECRET_BYTES} or more \
                         (RFC 7518, section 3.2): make one with `openssl rand -base64 32`"
                    ));
                }
            }
            (AlgorithmFamily::Rsa, DecodingKeyKind::SecretOrDer(der)) => {
                let parts = DEFAULT_PROVIDER.key_utils.rsa_pub_components_from_public_key;
                let (modulus, _) = parts(der).map_err(|_| unfit())?;
                check_rsa(&modulus)?;
            }
            (_, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                check_rsa(n)?;
                // Small and odd, or it is none.
                if e.len() > 4 || e.last().is_none_or(|last| last % 2 == 0) {
                    return Err(unfit());
                }
            }
            // The library looks at the first 32 bytes, without asking whether there are any.
            (AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) if point.len() != 32 => {
                return Err(unfit());
            }
            _ => {}
        }
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&algorithm.of_library(), &decoding);
        verifier.map_err(|_| unfit())?;
        Ok(Self { algorithm, decoding })
    }
}

const ADVICE: &str = "name the algorithm that the key is for, or the other key";

fn check_rsa(modulus: &[u8]) -> Result<(), String> {
    let leading = modulus.iter().take_while(|byte| **byte == 0).count();
    let first = modulus.get(leading).map_or(8, |byte| byte.leading_zeros() as usize);
    let bits = (modulus.len() - leading) * 8 - first.min((modulus.len() - leading) * 8);
    if RSA_BITS.contains(&bits) {
        return Ok(());
    }
    Err(format!(
        "is an RSA key of {bits} bits, and RS256 takes {} to {} (RFC 7518, section 3.3): \
         use one of 2048 or more",
        RSA_BITS.start(),
        RSA_BITS.end()
    ))
}

fn secret(content: &str, encoding: KeyEncoding) -> Result<DecodingKey, String> {
    // A public key taken for a secret would let everybody sign (RFC 8725, section 2.1).
    if content.contains("-----BEGIN") {
        return Err(format!("is a key in PEM, and HS256 needs a secret: {ADVICE}"));
    }
    if content.starts_with('{') {
        return Err("is JSON, and HS256 needs a secret: name a JWK set with jwks-file".to_owned());
    }
    match encoding {
        KeyEncoding::Text => Ok(DecodingKey::from_secret(content.as_bytes())),
        KeyEncoding::Base64 => base64_secret(content).ok_or_else(|| {
            "is not base64: write the secret as `openssl rand -base64 32` does, or set \
             key-encoding = \"text\" where its characters are the secret themselves"
                .to_owned()
        }),
    }
}

/// With either alphabet, with padding or without.
pub(super) fn base64_secret(text: &str) -> Option<DecodingKey> {
    let digits = text.trim_end_matches('=');
    let mut padded = digits.replace('-', "+").replace('_', "/");
    while !padded.len().is_multiple_of(4) {
        padded.push('=');
    }
    DecodingKey::from_base64_secret(&padded).ok()
}

fn public(content: &str, algorithm: Algorithm) -> Result<DecodingKey, String> {
    if content.contains("PRIVATE KEY-----") {
        return Err("is a private key, and that belongs to who signs the tokens and not here: \
             put the public one in its place (`openssl pkey -in PRIVATE -pubout`)"
            .to_owned());
    }
    if content.contains("-----BEGIN CERTIFICATE") {
        return Err("is a certificate: put its public key in its place \
             (`openssl x509 -in CERTIFICATE -noout -pubkey`)"
            .to_owned());
    }
    if content.starts_with('{') {
        return Err("is JSON and not PEM: name a JWK set with jwks-file".to_owned());
    }
    if content.matches("-----BEGIN").count() != 1 {
        return Err(format!(
            "is not one public key in PEM, as {} needs it: it begins with \
             `-----BEGIN PUBLIC KEY-----`, on a line of its own",
            algorithm.name()
        ));
    }
    let pem = content.as_bytes();
    let read = match algorithm {
        Algorithm::RS256 => DecodingKey::from_rsa_pem(pem),
        Algorithm::ES256 => DecodingKey::from_ec_pem(pem),
        Algorithm::EdDSA | Algorithm::HS256 => DecodingKey::from_ed_pem(pem),
    };
    read.map_err(|_| {
        format!("is not {} in PEM, which {} needs: {ADVICE}", algorithm.of_key(), algorithm.name())
    })
}
