//! Examples of RFC 7515 (appendix A), RFC 7519 (section 3.1) and RFC 8037 (appendix A).

use serde_json::json;

use super::*;

const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const EXPIRES: u64 = 1_300_819_380;

/// Also the one of RFC 7519.
const HS256: (&str, &str) =
    ("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
const RS256: (&str, &str) = (
    "eyJhbGciOiJSUzI1NiJ9",
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2\
     Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQ\
     BMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6Ie\
     YI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
);
const ES256: (&str, &str) = (
    "eyJhbGciOiJFUzI1NiJ9",
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
);
/// Its payload is no JSON.
const EDDSA: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
     hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

pub(super) const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm\
     4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z\
     5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7a\
     GhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

fn token((header, signature): (&str, &str)) -> String {
    format!("{header}.{PAYLOAD}.{signature}")
}

pub(super) fn jwks() -> Value {
    json!({ "keys": [
        { "kty": "oct", "kid": "secret", "k": SECRET },
        { "kty": "RSA", "kid": "rsa", "use": "sig", "n": RSA_N, "e": "AQAB" },
        { "kty": "EC", "crv": "P-256", "kid": "ec", "alg": "ES256",
          "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
          "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" },
        { "kty": "OKP", "crv": "Ed25519", "kid": "ed",
          "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
    ]})
}

#[track_caller]
fn check_example(rules: &SessionRules, example: (&str, &str)) {
    let token = token(example);
    let session = rules.verify_token(token.as_bytes(), at(EXPIRES - 1)).unwrap();
    let expected = json!({ "iss": "joe", "exp": EXPIRES, "http://example.com/is_root": true });
    assert_eq!(serde_json::from_str::<Value>(&session.claims).unwrap(), expected);
    assert_eq!(session.expires, Some(at(EXPIRES + 30)));
    let late = rules.verify_token(token.as_bytes(), at(EXPIRES + 30));
    assert_eq!(late.unwrap_err(), NoSession::Expired);
    // Another bit somewhere in the signature.
    let mut forged = token.into_bytes();
    let at_middle = forged.len() - 20;
    forged[at_middle] = if forged[at_middle] == b'A' { b'B' } else { b'A' };
    let forged = rules.verify_token(&forged, at(EXPIRES - 1));
    assert_eq!(forged.unwrap_err(), NoSession::Signature);
}

#[test]
fn the_examples_of_the_rfcs_are_verified() {
    check_example(&load("algorithm = 'HS256'", SECRET).unwrap(), HS256);
    check_example(&load("algorithm = 'RS256'", RSA).unwrap(), RS256);
    check_example(&load("algorithm = 'RS256'", include_str!("keys/rsa-pkcs1.pem")).unwrap(), RS256);
    check_example(&load("algorithm = 'ES256'", P256).unwrap(), ES256);
}

#[test]
fn a_signature_over_something_else_than_claims_is_no_session() {
    let rules = load("algorithm = 'EdDSA'", ED25519).unwrap();
    // The signature is good: with another it is refused for that.
    assert_eq!(refused(&rules, EDDSA), NoSession::Malformed);
    assert_eq!(refused(&rules, &EDDSA.replace("hgyY", "hgyZ")), NoSession::Signature);
}

#[test]
fn a_set_has_a_key_for_each_algorithm() {
    let rules = load_set("['HS256', 'RS256', 'ES256', 'EdDSA']", &jwks()).unwrap();
    for example in [HS256, RS256, ES256] {
        check_example(&rules, example);
    }
    assert_eq!(refused(&rules, EDDSA), NoSession::Malformed);
    let rules = load_set("'ES256'", &jwks()).unwrap();
    check_example(&rules, ES256);
    assert_eq!(refused(&rules, &token(RS256)), NoSession::Algorithm);
}
