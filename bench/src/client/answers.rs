//! Whether the answers of an echo are what was sent.

use anyhow::{Result, ensure};

use super::TEXT;

/// Of these, the first one's content is compared.
const COMPARED: u64 = 1000;

/// The answers on one connection. Of each, kind and length are checked.
#[derive(Default)]
pub(crate) struct Answers {
    seen: u64,
}

impl Answers {
    /// Takes a part of an answer, and says whether it was its last.
    pub(crate) fn take(
        &mut self,
        expected: &[u8],
        (opcode, before, bytes, last): (u8, usize, &[u8], bool),
    ) -> Result<bool> {
        let end = before + bytes.len();
        ensure!(opcode == TEXT, "an answer of opcode {opcode}");
        ensure!(
            if last { end == expected.len() } else { end <= expected.len() },
            "an answer of {end} bytes to {}",
            expected.len()
        );
        if self.seen.is_multiple_of(COMPARED) {
            ensure!(bytes == &expected[before..end], "an answer that isn't what was sent");
        }
        self.seen += u64::from(last);
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_arrive_in_parts() {
        let mut answers = Answers::default();
        assert!(!answers.take(b"payload", (TEXT, 0, b"pay", false)).unwrap());
        assert!(answers.take(b"payload", (TEXT, 3, b"load", true)).unwrap());
    }

    #[test]
    fn another_length_or_kind_is_an_error_always() {
        let mut answers = Answers { seen: 1 };
        assert!(answers.take(b"payload", (TEXT, 0, b"pay", true)).is_err());
        assert!(answers.take(b"payload", (TEXT, 0, b"payload!", false)).is_err());
        assert!(answers.take(b"payload", (2, 0, b"payload", true)).is_err());
    }

    #[test]
    fn another_content_is_found_in_the_first_and_in_one_of_a_thousand() {
        let rubbish = (TEXT, 0, &b"PAYLOAD"[..], true);
        assert!(Answers::default().take(b"payload", rubbish).is_err());
        let mut answers = Answers { seen: 1 };
        let found = (1..=COMPARED).find(|_| answers.take(b"payload", rubbish).is_err());
        assert_eq!(found, Some(COMPARED));
    }
}
