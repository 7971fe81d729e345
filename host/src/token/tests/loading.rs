//! What a table and its keys may be.

use super::*;

#[track_caller]
fn wrong(table: &str, key: &str) -> String {
    let error = load(table, key).expect_err("a table that can't be followed").to_string();
    let quoted = key.lines().filter(|line| line.len() > 20 && !line.starts_with("-----"));
    for line in quoted {
        assert!(!error.contains(line), "{error} quotes the key");
    }
    error
}

#[test]
fn a_secret_is_long_enough_and_written_in_base64() {
    let hs256 = "algorithm = 'HS256'";
    for good in [
        SECRET,
        &format!(" {SECRET}==\n"),
        &SECRET.replace('-', "+").replace('_', "/"),
        &base64(&[0xFB; 32]),
    ] {
        assert!(load(hs256, good).is_ok(), "{good}");
    }
    assert!(wrong(hs256, &base64(&[1; 31])).contains("31 bytes, and HS256 needs 32"));
    assert!(wrong(hs256, "correct horse battery staple, and much more").contains("not base64"));
    assert!(wrong(hs256, " \n").contains("is empty"));
    let text = "algorithm = 'HS256'\nkey-encoding = 'text'";
    assert!(load(text, "correct horse battery staple, and much more\n").is_ok());
    assert!(wrong(text, "correct horse battery staple").contains("28 bytes"));
}

/// RFC 8725, section 2.1: neither the algorithm nor the key alone is enough to go by.
#[test]
fn a_key_of_another_kind_is_refused() {
    for encoding in ["text", "base64"] {
        let table = format!("algorithm = 'HS256'\nkey-encoding = '{encoding}'");
        for pem in [RSA, P256, ED25519] {
            assert!(wrong(&table, pem).contains("is a key in PEM, and HS256 needs a secret"));
        }
        assert!(wrong(&table, &vectors::jwks().to_string()).contains("jwks-file"));
    }
    for (algorithm, keys) in [
        ("RS256", [P256, ED25519, include_str!("keys/ed448.pem")]),
        ("ES256", [RSA, ED25519, include_str!("keys/p384.pem")]),
        ("EdDSA", [RSA, P256, include_str!("keys/ed448.pem")]),
    ] {
        for key in keys {
            let error = wrong(&format!("algorithm = '{algorithm}'"), key);
            assert!(error.contains("is not an "), "{error}");
            assert!(error.contains(&format!("which {algorithm} needs")), "{error}");
        }
        for text in [SECRET, "ssh-ed25519 AAAA", &format!("{P256}{P256}")] {
            let error = wrong(&format!("algorithm = '{algorithm}'"), text);
            assert!(error.contains("is not one public key in PEM"), "{error}");
        }
    }
    let weak = include_str!("keys/rsa-1024.pem");
    assert!(wrong("algorithm = 'RS256'", weak).contains("an RSA key of 1024 bits"));
    let broken = RSA.replace("MIIB", "AAAA");
    assert!(wrong("algorithm = 'RS256'", &broken).contains("is not an RSA key in PEM"));
}

#[test]
fn a_private_key_is_refused() {
    for (algorithm, key) in [
        ("ES256", P256_PRIVATE.to_owned()),
        ("EdDSA", ED25519_PRIVATE.to_owned()),
        ("RS256", P256_PRIVATE.replace("PRIVATE KEY", "RSA PRIVATE KEY")),
        ("ES256", P256_PRIVATE.replace("PRIVATE KEY", "EC PRIVATE KEY")),
        ("EdDSA", format!("{ED25519}{ED25519_PRIVATE}")),
    ] {
        let error = wrong(&format!("algorithm = '{algorithm}'"), &key);
        assert!(
            error.contains("session.key-env names a variable that is a private key"),
            "{error}"
        );
    }
    let certificate = P256.replace("PUBLIC KEY", "CERTIFICATE");
    assert!(wrong("algorithm = 'ES256'", &certificate).contains("is a certificate"));
}

#[test]
fn a_variable_that_is_not_set_is_told_and_not_named() {
    // What is written there may be the key itself.
    let table = format!("algorithm = 'HS256'\nkey-env = '{SECRET}'\nfrom = ['authorization']");
    let table = toml::from_str(&table).unwrap();
    let sources = Sources { folder: Path::new("/"), confined: false, variable: &|_| None };
    let error = SessionRules::load(&table, &sources, &[]).unwrap_err().to_string();
    assert!(error.starts_with("session.key-env names a variable that is not in the"), "{error}");
    assert!(!error.contains(SECRET), "{error}");
}

#[test]
fn a_file_is_read_beside_the_manifest_or_told_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("inner")).unwrap();
    std::fs::write(at("key.pem"), ED25519).unwrap();
    std::fs::write(at("inner/key.pem"), ED25519).unwrap();
    std::fs::write(at("large"), vec![b'x'; 65_537]).unwrap();
    std::fs::write(at("bytes"), [0xFF; 40]).unwrap();
    std::os::unix::fs::symlink("../key.pem", at("inner/link.pem")).unwrap();
    let load = |file: &str, confined: bool| {
        let table = format!("algorithm = 'EdDSA'\nkey-file = {file:?}\nfrom = ['authorization']");
        let table = toml::from_str(&table).unwrap();
        let folder = &at("inner");
        let sources = Sources { folder, confined, variable: &|_| None };
        SessionRules::load(&table, &sources, &[]).map(drop).map_err(|error| error.to_string())
    };
    let absolute = at("key.pem");
    for file in ["../key.pem", "link.pem", absolute.to_str().unwrap()] {
        assert_eq!(load(file, false), Ok(()), "{file}");
        let error = load(file, true).unwrap_err();
        assert!(error.contains("outside the manifest's folder"), "{error}");
    }
    for confined in [false, true] {
        assert_eq!(load("key.pem", confined), Ok(()));
    }
    for (file, why) in [
        ("nothing.pem", "No such file"),
        ("../inner", "it is no file"),
        ("../large", "larger than 64 KiB"),
        ("../bytes", "it is no text"),
        (ED25519, ""),
    ] {
        let error = load(file, false).unwrap_err();
        assert!(error.starts_with("session.key-file names a file that can't be read: "), "{error}");
        assert!(error.contains(why) && !error.contains(file), "{error}");
    }
}

#[test]
fn a_table_that_contradicts_itself_is_refused() {
    for (table, key) in [
        ("algorithm = []", "algorithm"),
        ("algorithm = ['HS256', 'HS256']", "algorithm"),
        ("algorithm = ['HS256', 'RS256']", "algorithm"),
        ("algorithm = 'HS256'\nkey-file = 'a'", "key-env"),
        ("algorithm = 'HS256'\njwks-file = 'a'", "key-env"),
        ("algorithm = 'HS256'\nleeway = '6m'", "leeway"),
        ("algorithm = 'HS256'\nissuer = ''", "issuer"),
        ("algorithm = 'HS256'\nissuer = []", "issuer"),
        ("algorithm = 'HS256'\naudience = ['a', '']", "audience"),
        ("algorithm = 'HS256'\nrequired = false\nreject = 'close'", "reject"),
        ("algorithm = 'RS256'\nkey-encoding = 'text'", "key-encoding"),
    ] {
        assert_eq!(load(table, SECRET).unwrap_err().key, key, "{table}");
    }
    let none = toml::from_str("algorithm = 'HS256'\nfrom = ['authorization']").unwrap();
    let sources = Sources { folder: Path::new("/"), confined: false, variable: &|_| None };
    let error = SessionRules::load(&none, &sources, &[]).unwrap_err();
    assert!(error.to_string().contains("set one"), "{error}");
}

#[test]
fn places_have_to_make_sense() {
    let load = |from: &str, subprotocols: &[&str]| {
        let table = format!("algorithm = 'HS256'\nkey-env = 'KEY'\nfrom = {from}");
        let table = toml::from_str(&table).unwrap();
        let spoken: Vec<_> = subprotocols.iter().map(|&one| one.to_owned()).collect();
        let variable = |_: &str| Some(SECRET.to_owned());
        let sources = Sources { folder: Path::new("/"), confined: false, variable: &variable };
        SessionRules::load(&table, &sources, &spoken)
    };
    for (from, subprotocols) in [
        ("[]", &[][..]),
        ("[{ cookie = '' }]", &[]),
        ("[{ cookie = 'a=b' }]", &[]),
        ("[{ cookie = 'a b' }]", &[]),
        ("[{ query = '' }]", &[]),
        ("['authorization', 'authorization']", &[]),
        ("[{ cookie = 'a' }, { query = 'a' }, { cookie = 'a' }]", &[]),
        ("[{ subprotocol = '' }]", &["chat"]),
        ("[{ subprotocol = 'a, b' }]", &["chat"]),
        ("[{ subprotocol = 'bearer.' }]", &[]),
        ("[{ subprotocol = 'ch' }]", &["v2", "chat"]),
    ] {
        assert_eq!(load(from, subprotocols).unwrap_err().key, "from", "{from}");
    }
    assert!(load("[{ subprotocol = 'bearer.' }, { query = 'a' }]", &["chat"]).is_ok());
}

#[test]
fn keys_of_a_set_that_are_not_for_us_are_left_out() {
    let with = |change: Value| {
        let mut set = vectors::jwks();
        let key = set["keys"][2].as_object_mut().unwrap();
        key.extend(change.as_object().unwrap().clone());
        load_set("'ES256'", &set).map(drop).map_err(|error| error.problem)
    };
    assert_eq!(with(json!({})), Ok(()));
    assert_eq!(with(json!({ "key_ops": ["verify"], "x5t": "abc", "new": [] })), Ok(()));
    for other in [
        json!({ "use": "enc" }),
        json!({ "key_ops": ["encrypt"] }),
        json!({ "alg": "ES384" }),
        json!({ "crv": "P-384" }),
        json!({ "kty": "XYZ" }),
    ] {
        assert!(with(other.clone()).unwrap_err().contains("has no key for ES256"), "{other}");
    }
    for broken in [json!({ "x": "AAAA" }), json!({ "x": "A".repeat(43) }), json!({ "y": null })] {
        let error = with(broken.clone()).unwrap_err();
        assert!(error.contains("has a key (number 3) that is not"), "{broken}: {error}");
    }
    let error = with(json!({ "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI" })).unwrap_err();
    assert!(error.contains("private key (number 3)") && !error.contains("jpsQ"), "{error}");
}

#[test]
fn a_set_that_is_none_is_not_quoted() {
    let key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";
    for set in
        [json!({ "keys": key }), json!(key), json!({ "keys": [{ "kty": [key] }] }), json!({})]
    {
        let error = load_set("'HS256'", &set).unwrap_err().to_string();
        assert!(error.contains("is not a JWK set (line 1, ") && !error.contains(key), "{error}");
    }
    let weak = json!({ "keys": [{ "kty": "oct", "k": base64(&[1; 16]) }] });
    assert!(load_set("'HS256'", &weak).unwrap_err().problem.contains("16 bytes"));
    let weak = json!({ "keys": [{ "kty": "RSA", "n": base64(&[0xFF; 128]), "e": "AQAB" }] });
    assert!(load_set("'RS256'", &weak).unwrap_err().problem.contains("1024 bits"));
    let even = json!({ "keys": [{ "kty": "RSA", "n": vectors::RSA_N, "e": "Ag" }] });
    assert!(load_set("'RS256'", &even).unwrap_err().problem.contains("is not an RSA key"));
    let short = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": base64(&[1; 31]) }] });
    assert!(load_set("'EdDSA'", &short).unwrap_err().problem.contains("is not an Ed25519 key"));
    let twins = json!({ "keys": [{ "kty": "oct", "k": SECRET }, { "kty": "oct", "k": SECRET }] });
    assert!(load_set("'HS256'", &twins).unwrap_err().problem.contains("number 2"));
    let many = vec![json!({ "kty": "oct", "k": SECRET }); 101];
    assert!(
        load_set("'HS256'", &json!({ "keys": many })).unwrap_err().problem.contains("100 keys")
    );
}
