//! Components that differ without doing anything else.

/// This component with one more custom section, which says `number`: another file to the
/// server, and another key in its cache.
pub(crate) fn distinct(component: &[u8], number: u64) -> Vec<u8> {
    let (name, content) = (b"socklet-bench", number.to_le_bytes());
    let mut copy = component.to_vec();
    // Each of the lengths fits one byte of LEB128.
    copy.extend([0, (1 + name.len() + content.len()) as u8, name.len() as u8]);
    copy.extend(name);
    copy.extend(content);
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_one_section_more_with_its_number() {
        let component = b"\0asm\x0d\0\x01\0";
        let copy = distinct(component, 7);
        let section = copy.strip_prefix(component).unwrap();
        assert_eq!(section[0], 0, "a custom section");
        assert_eq!(usize::from(section[1]), section.len() - 2, "its length");
        assert_eq!(&section[3..3 + usize::from(section[2])], b"socklet-bench");
        assert_ne!(copy, distinct(component, 8));
    }
}
