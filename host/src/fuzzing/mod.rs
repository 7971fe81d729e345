//! What fuzz targets run: one function for each, which checks what socklet promises
//! of any input whatsoever. The crate in `fuzz` calls them; the tests below do so
//! with each input of its corpora.
//!
//! Time is paused: it passes only while everybody waits for it, so that a timeout
//! of an hour costs nothing, and what needs no timer takes no time at all.

mod component;
mod frames;
mod handshake;
mod manifest;
mod proxy_protocol;
mod rfc6455;
mod section;
mod stage;
mod token;

pub use component::component;
pub use frames::frames;
pub use handshake::handshake;
pub use manifest::manifest;
pub use proxy_protocol::proxy_protocol;
pub use section::section;
pub use token::token;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Runs a target with each input of its corpus.
    fn replay(target: fn(&[u8]), name: &str) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
        let entries = std::fs::read_dir(&corpus).unwrap();
        let mut inputs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{} is empty", corpus.display());
        inputs.retain(|input| {
            let bytes = std::fs::read(input).unwrap();
            std::panic::catch_unwind(|| target(&bytes)).is_err()
        });
        assert!(inputs.is_empty(), "the panics above are, in this order, of {inputs:#?}");
    }

    #[test]
    fn any_handshake_ends_with_a_documented_answer() {
        replay(handshake, "handshake");
    }

    #[test]
    fn any_frames_are_echoed_up_to_what_ends_the_connection() {
        replay(frames, "frames");
    }

    #[test]
    fn any_file_is_served_or_refused_in_one_line() {
        replay(component, "component");
    }

    #[test]
    fn any_manifest_is_understood_or_its_flaws_are_told() {
        replay(manifest, "manifest");
    }

    #[test]
    fn no_token_is_good_but_one_that_says_and_proves_what_it_has_to() {
        replay(token, "token");
    }

    #[test]
    fn a_manifest_is_found_in_any_component_or_put_there() {
        replay(section, "section");
    }

    #[test]
    fn a_header_of_the_proxy_protocol_is_read_to_its_end() {
        replay(proxy_protocol, "proxy_protocol");
    }
}
