//! Pages of the repository, as a project has a copy of some of them.

use std::collections::BTreeSet;

/// The page at this place, with its links to what else is there, by the places of all that
/// is. Where a link leads to nothing its text is left.
pub(super) fn within_project(page: &str, place: &str, there: &BTreeSet<String>) -> String {
    // An SDK's own page is two folders deep in the repository, and at the top here.
    let mut rest = page.replace("](../../docs/", "](docs/");
    let folder = place.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut out = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, after)) = after.split_once(')') else { break };
        if is_there(target, folder, there) {
            out += &format!("{before}]({target})");
        } else {
            let (before, text) = before.rsplit_once('[').unwrap_or((before, ""));
            out += before.strip_suffix('!').unwrap_or(before);
            out += text;
        }
        rest = after.to_owned();
    }
    out + &rest
}

fn is_there(target: &str, folder: &str, there: &BTreeSet<String>) -> bool {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains(':') {
        return true;
    }
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." if parts.pop().is_none() => return false,
            ".." | "." | "" => {}
            part => parts.push(part),
        }
    }
    let (path, inside) = (parts.join("/"), format!("{}/", parts.join("/")));
    there.contains(&path)
        || there.range(inside.clone()..).next().is_some_and(|at| at.starts_with(&inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_what_is_there_or_are_none() {
        let there = ["README.md", "docs/http.md", "src/x.zig", "wit/world.wit"];
        let there = there.map(str::to_owned).into();
        let first = "See [x](src/x.zig), [http](../../docs/http.md#a), [e](https://e.org/a), \
                     [chat](../../examples/chat) and (this [bracket]).";
        let expected = "See [x](src/x.zig), [http](docs/http.md#a), [e](https://e.org/a), chat \
                        and (this [bracket]).";
        assert_eq!(within_project(first, "README.md", &there), expected);
        let page = "[The WIT](../wit), [up](#top), ![a plot](plot.svg), [out](../../..) [a](b";
        let expected = "[The WIT](../wit), [up](#top), a plot, out [a](b";
        assert_eq!(within_project(page, "docs/http.md", &there), expected);
    }
}
