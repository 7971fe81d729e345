//! What a token says, once its signature is verified (RFC 7519, section 4.1). Own code
//! and not the library's, which passes over claims of the wrong type.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::NoSession;

/// What a token's claims have to be.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    /// Empty where any will do.
    pub(super) issuers: Vec<String>,
    pub(super) audiences: Vec<String>,
    pub(super) leeway: Duration,
    pub(super) require_exp: bool,
}

impl Expected {
    /// Until when a session with these claims lasts, leeway included; none where they
    /// set no end.
    pub(super) fn check(
        &self,
        claims: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<Option<SystemTime>, NoSession> {
        let expires = time(claims, "exp")?
            .map(|exp| exp.checked_add(self.leeway).ok_or(NoSession::Claim("exp")))
            .transpose()?;
        match expires {
            None if self.require_exp => return Err(NoSession::Lacks("exp")),
            Some(expires) if expires <= now => return Err(NoSession::Expired),
            _ => {}
        }
        let begins = time(claims, "nbf")?;
        if begins.is_some_and(|begins| begins > now + self.leeway) {
            return Err(NoSession::TooEarly);
        }
        // Of no consequence, but a token of the wrong type is somebody's mistake.
        time(claims, "iat")?;
        self.check_issuer(claims.get("iss"))?;
        self.check_audience(claims.get("aud"))?;
        Ok(expires)
    }

    fn check_issuer(&self, claim: Option<&Value>) -> Result<(), NoSession> {
        match claim {
            _ if self.issuers.is_empty() => Ok(()),
            None => Err(NoSession::Lacks("iss")),
            Some(Value::String(issuer)) if self.issuers.contains(issuer) => Ok(()),
            Some(Value::String(_)) => Err(NoSession::Issuer),
            Some(_) => Err(NoSession::Claim("iss")),
        }
    }

    /// Section 4.1.3: one string, or a list of them.
    fn check_audience(&self, claim: Option<&Value>) -> Result<(), NoSession> {
        let is_ours = |audience: &str| self.audiences.iter().any(|ours| ours == audience);
        let ours = match claim {
            None if self.audiences.is_empty() => return Ok(()),
            None => return Err(NoSession::Lacks("aud")),
            Some(Value::String(audience)) => is_ours(audience),
            Some(Value::Array(audiences)) => {
                let names = audiences.iter().map(Value::as_str);
                let names: Option<Vec<_>> = names.collect();
                names.ok_or(NoSession::Claim("aud"))?.into_iter().any(is_ours)
            }
            Some(_) => return Err(NoSession::Claim("aud")),
        };
        match ours {
            true => Ok(()),
            false if self.audiences.is_empty() => Err(NoSession::NoAudienceSet),
            false => Err(NoSession::Audience),
        }
    }
}

/// A NumericDate (section 2): seconds since 1970, which may have fractions.
fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<SystemTime>, NoSession> {
    let Some(claim) = claims.get(name) else { return Ok(None) };
    let seconds = claim.as_f64().ok_or(NoSession::Claim(name))?;
    let since = Duration::try_from_secs_f64(seconds).map_err(|_| NoSession::Claim(name))?;
    UNIX_EPOCH.checked_add(since).map(Some).ok_or(NoSession::Claim(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Seconds since 1970 at which these tests are.
    const NOW: u64 = 1_800_000_000;

    #[track_caller]
    fn check(expected: &Expected, claims: Value) -> Result<Option<u64>, NoSession> {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        let expires = expected.check(&claims, now)?;
        Ok(expires.map(|expires| expires.duration_since(UNIX_EPOCH).unwrap().as_secs()))
    }

    fn expected(issuers: &[&str], audiences: &[&str]) -> Expected {
        let own = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        Expected {
            issuers: own(issuers),
            audiences: own(audiences),
            leeway: Duration::from_secs(30),
            require_exp: true,
        }
    }

    #[test]
    fn a_token_is_good_up_to_its_end_and_the_leeway() {
        let any = expected(&[], &[]);
        assert_eq!(check(&any, json!({ "exp": NOW + 60 })), Ok(Some(NOW + 90)));
        assert_eq!(check(&any, json!({ "exp": NOW - 29 })), Ok(Some(NOW + 1)));
        assert_eq!(check(&any, json!({ "exp": NOW - 30 })), Err(NoSession::Expired));
        assert_eq!(check(&any, json!({ "exp": 0 })), Err(NoSession::Expired));
        assert_eq!(check(&any, json!({ "exp": NOW as f64 + 0.5 })), Ok(Some(NOW + 30)));
    }

    #[test]
    fn a_token_without_an_end_is_refused_unless_the_manifest_says_otherwise() {
        let any = expected(&[], &[]);
        assert_eq!(check(&any, json!({})), Err(NoSession::Lacks("exp")));
        let endless = Expected { require_exp: false, ..any };
        assert_eq!(check(&endless, json!({})), Ok(None));
        assert_eq!(check(&endless, json!({ "exp": NOW - 60 })), Err(NoSession::Expired));
        assert_eq!(check(&endless, json!({ "exp": null })), Err(NoSession::Claim("exp")));
    }

    #[test]
    fn a_token_is_not_good_before_its_beginning() {
        let any = expected(&[], &[]);
        let from = |nbf: Value| check(&any, json!({ "exp": NOW + 60, "nbf": nbf }));
        assert!(from(json!(NOW)).is_ok());
        assert!(from(json!(NOW + 30)).is_ok());
        assert_eq!(from(json!(NOW + 31)), Err(NoSession::TooEarly));
        assert_eq!(from(json!("soon")), Err(NoSession::Claim("nbf")));
    }

    #[test]
    fn a_time_that_is_no_time_is_refused() {
        let any = expected(&[], &[]);
        for exp in [
            json!((NOW + 60).to_string()),
            json!([NOW + 60]),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!(true),
            json!(null),
        ] {
            let checked = check(&any, json!({ "exp": exp }));
            assert_eq!(checked, Err(NoSession::Claim("exp")), "{exp}");
        }
        let iat = json!({ "exp": NOW + 60, "iat": "today" });
        assert_eq!(check(&any, iat), Err(NoSession::Claim("iat")));
    }

    #[test]
    fn an_issuer_that_is_set_has_to_be_named() {
        let ours = expected(&["a", "b"], &[]);
        let by = |iss: Value| check(&ours, json!({ "exp": NOW + 60, "iss": iss })).map(drop);
        assert_eq!(by(json!("a")), Ok(()));
        assert_eq!(by(json!("b")), Ok(()));
        assert_eq!(by(json!("c")), Err(NoSession::Issuer));
        assert_eq!(by(json!("A")), Err(NoSession::Issuer));
        assert_eq!(by(json!("")), Err(NoSession::Issuer));
        // RFC 7519 has one string there.
        assert_eq!(by(json!(["a"])), Err(NoSession::Claim("iss")));
        assert_eq!(by(json!(null)), Err(NoSession::Claim("iss")));
        assert_eq!(check(&ours, json!({ "exp": NOW + 60 })), Err(NoSession::Lacks("iss")));
        let any = expected(&[], &[]);
        assert!(check(&any, json!({ "exp": NOW + 60, "iss": "c" })).is_ok());
    }

    #[test]
    fn an_audience_that_is_set_has_to_be_among_those_named() {
        let ours = expected(&[], &["a", "b"]);
        let of = |aud: Value| check(&ours, json!({ "exp": NOW + 60, "aud": aud })).map(drop);
        assert_eq!(of(json!("a")), Ok(()));
        assert_eq!(of(json!(["c", "b"])), Ok(()));
        assert_eq!(of(json!("c")), Err(NoSession::Audience));
        assert_eq!(of(json!(["c", "d"])), Err(NoSession::Audience));
        assert_eq!(of(json!([])), Err(NoSession::Audience));
        assert_eq!(of(json!(["a", 7])), Err(NoSession::Claim("aud")));
        assert_eq!(of(json!(7)), Err(NoSession::Claim("aud")));
        assert_eq!(of(json!({ "a": "b" })), Err(NoSession::Claim("aud")));
        assert_eq!(check(&ours, json!({ "exp": NOW + 60 })), Err(NoSession::Lacks("aud")));
    }

    #[test]
    fn a_token_for_somebody_is_not_for_those_without_a_name() {
        let nobody = expected(&[], &[]);
        let of = |aud: Value| check(&nobody, json!({ "exp": NOW + 60, "aud": aud })).map(drop);
        assert_eq!(of(json!("a")), Err(NoSession::NoAudienceSet));
        assert_eq!(of(json!(["a"])), Err(NoSession::NoAudienceSet));
        assert_eq!(of(json!([])), Err(NoSession::NoAudienceSet));
        assert_eq!(of(json!(1)), Err(NoSession::Claim("aud")));
    }
}
