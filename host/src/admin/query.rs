//! What stands behind the `?`.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::answer::Problem;

/// The parameters of a request, each of them known and given once.
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                let known = match known {
                    [] => "none".to_owned(),
                    known => known.join(", "),
                };
                return Err(Problem::bad(format!("there is no parameter {name:?} here ({known})")));
            }
            if parameters.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Problem::bad(format!("the parameter {name:?} is there twice")));
            }
        }
        Ok(Self(parameters))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let number = self.text(name).map(|text| {
            text.parse().map_err(|_| Problem::bad(format!("{name}={text:?} is no such number")))
        });
        number.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_and_given_once_is_taken() {
        let parse = |query| Query::parse(Some(query), &["handler", "limit"]).ok();
        let query = parse("handler=games%2Fchess+x&limit=5").unwrap();
        assert_eq!(query.text("handler"), Some("games/chess x"));
        assert_eq!(query.number::<usize>("limit").unwrap(), Some(5));
        assert!(query.number::<usize>("handler").is_err());
        assert!(parse("handlr=x").is_none() && parse("limit=1&limit=2").is_none());
        assert!(parse("").is_some());
    }
}
