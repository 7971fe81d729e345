//! The test page: one file that holds all it needs, with the routes filled in.

use serde_json::Value;

const PAGE: &str = include_str!("page/page.html");
/// Stands in the page's script where the routes go.
const ROUTES: &str = "/*ROUTES*/[]";

/// And where it says whether somebody works on the handlers.
const DEVELOPMENT: &str = "/*DEVELOPMENT*/false";

/// The page for these routes, decoded as the registry has them.
pub(crate) fn render(routes: impl Iterator<Item = String>, development: bool) -> String {
    let routes = Value::from_iter(routes.map(Value::String)).to_string();
    // Inside a script element only `<` could end it or open a comment.
    let page = PAGE.replacen(ROUTES, &routes.replace('<', "\\u003c"), 1);
    if development { page.replacen(DEVELOPMENT, "true", 1) } else { page }
}

/// What the page asks for while somebody works on the handlers: the generation that serves
/// each route, by the route.
pub(crate) fn generations(serving: impl Iterator<Item = (String, u64)>) -> String {
    Value::Object(serving.map(|(route, number)| (route, number.into())).collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_place_for_the_routes() {
        assert_eq!(PAGE.matches(ROUTES).count(), 1);
        assert_eq!(PAGE.matches(DEVELOPMENT).count(), 1);
    }

    #[test]
    fn a_route_cannot_end_the_script() {
        let page = render(["/</script>".to_owned()].into_iter(), false);
        assert!(page.contains(r#"["/\u003c/script>"]"#));
    }
}
