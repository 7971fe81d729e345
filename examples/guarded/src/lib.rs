//! Lets in who has a token for the team of the path, and tells them what it says. The
//! README has the format.

use serde::Deserialize;
use socklet_guest::prelude::*;

/// What this handler reads of the claims, which the host has verified.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    team: String,
}

struct Guarded {
    name: String,
}

impl Gate for Guarded {
    fn on_request(connection: &Connection, _request: &Request) -> Result<Acceptance, Rejection> {
        let claims = connection.claims().unwrap_or_default();
        let team = connection.param("team").unwrap_or_default();
        match admit(&claims, &team) {
            Ok(name) => Ok(Acceptance::new().header("x-team", team).attach(name)),
            Err(reason) => Err(Rejection::new(403).body(reason)),
        }
    }
}

impl Handler for Guarded {
    fn on_ready(connection: &Connection, _request: &Request) -> Self {
        let name = connection.attachment().and_then(|name| String::from_utf8(name).ok());
        let name = name.unwrap_or_default();
        connection.write(format!("Welcome, {name}!"));
        connection.write(connection.claims().unwrap_or_default());
        Guarded { name }
    }

    fn on_message(&mut self, connection: &Connection, message: Message) {
        connection.write(format!("{} said {message}", self.name));
    }
}

/// The name of one whose claims are those of a member of the team.
fn admit(claims: &str, team: &str) -> Result<String, &'static str> {
    match serde_json::from_str::<Claims>(claims) {
        Ok(claims) if claims.team == team => Ok(claims.sub),
        Ok(_) => Err("this is another team's"),
        Err(_) => Err("the token names no subject or no team"),
    }
}

socklet_guest::export!(Guarded: Handler + Gate);

#[cfg(test)]
mod tests {
    use super::admit;

    #[test]
    fn members_of_the_team_are_let_in() {
        let claims = r#"{"iss":"us","sub":"Ada","team":"blue","exp":1}"#;
        assert_eq!(admit(claims, "blue").as_deref(), Ok("Ada"));
    }

    #[test]
    fn no_one_else_is() {
        const ANOTHER: &str = "this is another team's";
        const NOTHING: &str = "the token names no subject or no team";
        for (claims, reason) in [
            (r#"{"sub":"Ada","team":"red"}"#, ANOTHER),
            (r#"{"sub":"Ada","team":""}"#, ANOTHER),
            (r#"{"sub":"Ada"}"#, NOTHING),
            (r#"{"sub":"Ada","team":["blue"]}"#, NOTHING),
            ("", NOTHING),
        ] {
            assert_eq!(admit(claims, "blue"), Err(reason), "{claims}");
        }
    }
}
