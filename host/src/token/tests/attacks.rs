//! What RFC 8725 warns of, and what else a peer may send.

use jsonwebtoken::Algorithm;

use super::*;

fn hs256() -> SessionRules {
    load("algorithm = 'HS256'", SECRET).unwrap()
}

#[test]
fn a_good_token_is_good() {
    let session = verify(&hs256(), &sign(&Header::default(), &claims(), &secret())).unwrap();
    assert_eq!(session.claims, json!({ "exp": NOW + 60, "sub": "ada" }).to_string());
    assert_eq!(session.expires, Some(at(NOW + 90)));
    let raw = sign_raw(r#"{"alg":"HS256"}"#, &claims().to_string());
    assert!(verify(&hs256(), &raw).is_ok());
}

/// RFC 8725, section 2.1.
#[test]
fn a_token_without_a_signature_is_refused() {
    let payload = base64(claims().to_string().as_bytes());
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = base64(json!({ "typ": "JWT", "alg": alg }).to_string().as_bytes());
        assert_eq!(refused(&hs256(), &format!("{header}.{payload}.")), NoSession::Malformed);
        let signed = sign_raw(&json!({ "alg": alg }).to_string(), &claims().to_string());
        assert_eq!(refused(&hs256(), &signed), NoSession::Malformed, "{alg}");
    }
    let header = base64(br#"{"alg":"HS256"}"#);
    assert_eq!(refused(&hs256(), &format!("{header}.{payload}.")), NoSession::Signature);
    assert_eq!(refused(&hs256(), &format!("{header}.{payload}")), NoSession::Malformed);
}

/// RFC 8725, section 2.1: what everybody knows must not pass for a secret.
#[test]
fn a_public_key_is_no_secret() {
    for (algorithm, pem) in [("RS256", RSA), ("ES256", P256), ("EdDSA", ED25519)] {
        let rules = load(&format!("algorithm = '{algorithm}'"), pem).unwrap();
        for key in [pem, pem.trim()] {
            let forged = EncodingKey::from_secret(key.as_bytes());
            let token = sign(&Header::new(Algorithm::HS256), &claims(), &forged);
            assert_eq!(refused(&rules, &token), NoSession::Algorithm, "{algorithm}");
        }
    }
    let rules = load_set("['RS256', 'ES256']", &vectors::jwks()).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("rsa".to_owned());
    let forged = EncodingKey::from_secret(RSA.as_bytes());
    assert_eq!(refused(&rules, &sign(&header, &claims(), &forged)), NoSession::Algorithm);
}

/// Also where the set has a secret: a name stands for a key and its algorithm.
#[test]
fn a_kid_of_another_algorithm_s_key_is_unknown() {
    let rules = load_set("['HS256', 'RS256']", &vectors::jwks()).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    for (kid, expected) in [("rsa", NoSession::UnknownKey), ("", NoSession::UnknownKey)] {
        header.kid = Some(kid.to_owned());
        assert_eq!(refused(&rules, &sign(&header, &claims(), &secret())), expected);
    }
    header.kid = Some("secret".to_owned());
    assert!(verify(&rules, &sign(&header, &claims(), &secret())).is_ok());
}

#[test]
fn another_algorithm_of_the_same_key_is_refused() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let token = sign(&Header::new(algorithm), &claims(), &secret());
        assert_eq!(refused(&hs256(), &token), NoSession::Algorithm);
    }
    // The header says HS256, and the signature is of HS512.
    let signed =
        format!("{}.{}", base64(br#"{"alg":"HS256"}"#), base64(claims().to_string().as_bytes()));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &secret(), Algorithm::HS512);
    let token = format!("{signed}.{}", signature.unwrap());
    assert_eq!(refused(&hs256(), &token), NoSession::Signature);
}

#[test]
fn a_key_in_the_token_is_not_asked() {
    let attackers = EncodingKey::from_secret(b"a secret that the attacker has made up himself");
    let jwk = json!({ "kty": "oct", "k": "YSBzZWNyZXQgdGhhdCB0aGUgYXR0YWNrZXIgaGFzIG1hZGUgdXA" });
    let mut header = Header::new(Algorithm::HS256);
    header.jwk = Some(serde_json::from_value(jwk).unwrap());
    header.jku = Some("https://attacker.example/keys".to_owned());
    assert_eq!(refused(&hs256(), &sign(&header, &claims(), &attackers)), NoSession::Signature);
}

#[test]
fn among_several_keys_a_token_has_to_name_one() {
    let set = json!({ "keys": [
        { "kty": "oct", "kid": "old", "k": SECRET },
        { "kty": "oct", "kid": "new", "k": base64(&[7; 32]) },
    ]});
    let rules = load_set("'HS256'", &set).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    assert_eq!(refused(&rules, &sign(&header, &claims(), &secret())), NoSession::NoKey);
    header.kid = Some("old".to_owned());
    assert!(verify(&rules, &sign(&header, &claims(), &secret())).is_ok());
    header.kid = Some("new".to_owned());
    assert_eq!(refused(&rules, &sign(&header, &claims(), &secret())), NoSession::Signature);
    header.kid = Some("older".to_owned());
    assert_eq!(refused(&rules, &sign(&header, &claims(), &secret())), NoSession::UnknownKey);
}

/// A key of its own has no name to be picked by.
#[test]
fn a_kid_means_nothing_to_a_single_key() {
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("../../etc/passwd".to_owned());
    assert!(verify(&hs256(), &sign(&header, &claims(), &secret())).is_ok());
}

/// RFC 7515, section 4.1.11.
#[test]
fn what_has_to_be_understood_and_is_not_is_refused() {
    let header = r#"{"alg":"HS256","crit":["b64"],"b64":false}"#;
    assert_eq!(refused(&hs256(), &sign_raw(header, &claims().to_string())), NoSession::Critical);
    let empty = r#"{"alg":"HS256","crit":[]}"#;
    assert_eq!(refused(&hs256(), &sign_raw(empty, &claims().to_string())), NoSession::Critical);
}

/// RFC 8725, section 3.11.
#[test]
fn what_is_signed_for_another_purpose_is_refused() {
    let typed = |typ: &str| {
        let header = json!({ "alg": "HS256", "typ": typ }).to_string();
        verify(&hs256(), &sign_raw(&header, &claims().to_string())).map(drop)
    };
    for typ in ["JWT", "jwt", "at+jwt", "application/jwt", "application/at+JWT"] {
        assert_eq!(typed(typ), Ok(()), "{typ}");
    }
    for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", "JOSE", ""] {
        assert_eq!(typed(typ), Err(NoSession::Type), "{typ}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let good = sign(&Header::default(), &claims(), &secret());
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "....".to_owned(),
        good.replace('.', ","),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("\0{good}"),
        "a.b.\u{e9}".to_owned(),
    ] {
        assert_eq!(refused(&hs256(), &bad), NoSession::Malformed, "{bad:?}");
    }
    for header in [
        "null",
        "[]",
        "{}",
        r#"{"alg":5}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256""#,
    ] {
        let token = sign_raw(header, &claims().to_string());
        assert_eq!(refused(&hs256(), &token), NoSession::Malformed, "{header}");
    }
    for payload in ["", "null", "[]", "7", "{", "{}}", "\u{1}"] {
        let token = sign_raw(r#"{"alg":"HS256"}"#, payload);
        assert_eq!(refused(&hs256(), &token), NoSession::Malformed, "{payload}");
    }
    // Deeper than anybody means it.
    let deep = format!(r#"{{"exp":{},"a":{}1{}}}"#, NOW + 60, "[".repeat(500), "]".repeat(500));
    assert_eq!(refused(&hs256(), &sign_raw(r#"{"alg":"HS256"}"#, &deep)), NoSession::Malformed);
}

#[test]
fn a_huge_token_is_refused_unread() {
    let with = |length: usize| json!({ "exp": NOW + 60, "pad": "x".repeat(length) });
    let large = sign(&Header::default(), &with(5500), &secret());
    assert!(large.len() <= 8192 && verify(&hs256(), &large).is_ok());
    let huge = sign(&Header::default(), &with(6200), &secret());
    assert_eq!((huge.len() > 8192, refused(&hs256(), &huge)), (true, NoSession::TooLong));
    assert_eq!(refused(&hs256(), &"x".repeat(100_000)), NoSession::TooLong);
}

/// The handler must not read another one of two than was checked.
#[test]
fn a_claim_that_is_there_twice_is_refused_or_handed_on_once() {
    let twice = format!(r#"{{"exp":{},"role":"admin","role":"guest"}}"#, NOW + 60);
    let session = verify(&hs256(), &sign_raw(r#"{"alg":"HS256"}"#, &twice)).unwrap();
    assert_eq!(session.claims, json!({ "exp": NOW + 60, "role": "guest" }).to_string());
    for twice in [
        format!(r#"{{"exp":{},"exp":{}}}"#, NOW + 60, NOW + 60),
        format!(r#"{{"exp":{},"sub":"ada","sub":"eve"}}"#, NOW + 60),
        format!(r#"{{"exp":{},"aud":"a","aud":"b"}}"#, NOW + 60),
    ] {
        let token = sign_raw(r#"{"alg":"HS256"}"#, &twice);
        assert_eq!(refused(&hs256(), &token), NoSession::Malformed, "{twice}");
    }
}

#[test]
fn a_session_may_outlive_its_token() {
    let rules = load("algorithm = 'HS256'\noutlive = true", SECRET).unwrap();
    let session = verify(&rules, &sign(&Header::default(), &claims(), &secret())).unwrap();
    assert_eq!(session.expires, None);
    let late = json!({ "exp": NOW - 60 });
    let token = sign(&Header::default(), &late, &secret());
    assert_eq!(refused(&rules, &token), NoSession::Expired);
}

#[test]
fn issuer_and_audience_are_those_of_the_table() {
    let rules = load("algorithm = 'HS256'\nissuer = 'i'\naudience = ['a', 'b']", SECRET).unwrap();
    let of = |iss: &str, aud: Value| {
        let claims = json!({ "exp": NOW + 60, "iss": iss, "aud": aud });
        verify(&rules, &sign(&Header::default(), &claims, &secret())).map(drop)
    };
    assert_eq!(of("i", json!("b")), Ok(()));
    assert_eq!(of("i", json!(["c", "a"])), Ok(()));
    assert_eq!(of("j", json!("a")), Err(NoSession::Issuer));
    assert_eq!(of("i", json!("c")), Err(NoSession::Audience));
}

#[test]
fn tokens_of_elliptic_curves_are_made_and_verified() {
    let ec = EncodingKey::from_ec_pem(P256_PRIVATE.as_bytes()).unwrap();
    let ed = EncodingKey::from_ed_pem(ED25519_PRIVATE.as_bytes()).unwrap();
    for (name, algorithm, pem, private) in
        [("ES256", Algorithm::ES256, P256, ec), ("EdDSA", Algorithm::EdDSA, ED25519, ed)]
    {
        let rules = load(&format!("algorithm = '{name}'"), pem).unwrap();
        let token = sign(&Header::new(algorithm), &claims(), &private);
        assert!(verify(&rules, &token).is_ok(), "{name}");
        // A signature of zeros (CVE-2022-21449), and an empty one.
        let (signed, _) = token.rsplit_once('.').unwrap();
        for zeros in [0, 64] {
            let forged = format!("{signed}.{}", base64(&vec![0; zeros]));
            assert_eq!(refused(&rules, &forged), NoSession::Signature, "{name}");
        }
    }
}
