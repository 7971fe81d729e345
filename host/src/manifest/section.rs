//! A manifest inside a component: a custom section, so that the pair can't be torn.

use std::io::{self, BufReader, Read, Seek};

use wasm_encoder::{CustomSection, Encode as _, Section as _};

use super::{MAX_SIZE, Manifest};

/// The name of the section.
pub(crate) const NAME: &str = "socklet:manifest";
/// Sections that are looked at; a component has dozens.
const MAX_SECTIONS: usize = 100_000;
/// What every component begins with, before its version.
const MAGIC: &[u8] = b"\0asm";
/// Where sections begin.
const HEADER: usize = 8;
const CUSTOM: u8 = 0;

/// Why a component's manifest can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SectionError {
    /// A component has one at most.
    #[error("is there twice")]
    Twice,
    /// It is longer than any manifest may be.
    #[error("has more than {MAX_SIZE} bytes")]
    TooLarge,
    /// It is no text.
    #[error("is not UTF-8")]
    NotUtf8,
}

/// Why a manifest can't be put into a component.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The manifest is wrong: a line for each thing.
    #[error("{0}")]
    Manifest(String),
    /// The component is none.
    #[error("is not a component: give the .wasm file that is to be served")]
    NotAComponent,
}

/// A section of a component.
struct Section {
    /// Where it begins and ends, its head included.
    begins: u64,
    ends: u64,
    /// None where it isn't a manifest.
    manifest: Option<Vec<u8>>,
}

/// The text of the manifest inside a component. What is no component has none: that it
/// is none shows when it is compiled.
pub(crate) fn read(file: impl Read + Seek) -> io::Result<Result<Option<String>, SectionError>> {
    let Some(sections) = sections(file)? else { return Ok(Ok(None)) };
    let mut manifests = sections.into_iter().filter_map(|section| section.manifest);
    let Some(bytes) = manifests.next() else { return Ok(Ok(None)) };
    if manifests.next().is_some() {
        return Ok(Err(SectionError::Twice));
    }
    if bytes.len() > MAX_SIZE {
        return Ok(Err(SectionError::TooLarge));
    }
    Ok(String::from_utf8(bytes).map(Some).map_err(|_| SectionError::NotUtf8))
}

/// The text of the manifest that a component carries within itself, if it does.
///
/// # Errors
///
/// There are several of them, or it can't be one.
pub fn embedded(component: &[u8]) -> Result<Option<String>, SectionError> {
    // Bytes that are there can be read.
    read(io::Cursor::new(component)).unwrap_or(Ok(None))
}

/// The component with a manifest inside, in place of one that is there.
///
/// # Errors
///
/// See [`EmbedError`].
pub fn embed(component: &[u8], manifest: &str) -> Result<Vec<u8>, EmbedError> {
    Manifest::parse(manifest).map_err(|flaws| EmbedError::Manifest(flaws.to_string()))?;
    if manifest.len() > MAX_SIZE {
        return Err(EmbedError::Manifest(format!("is longer than {MAX_SIZE} bytes")));
    }
    let sections = sections(io::Cursor::new(component)).ok().flatten();
    let sections = sections.ok_or(EmbedError::NotAComponent)?;
    let mut made = component[..HEADER].to_vec();
    for Section { begins, ends, manifest } in sections {
        // It has just been read out of memory.
        let range = begins as usize..ends as usize;
        if manifest.is_none() {
            made.extend_from_slice(&component[range]);
        }
    }
    let section = CustomSection { name: NAME.into(), data: manifest.as_bytes().into() };
    made.push(section.id());
    section.encode(&mut made);
    Ok(made)
}

/// The sections of a component, each a number for its kind, its length, and so many
/// bytes. None where this is no component, or ends within a section.
fn sections(file: impl Read + Seek) -> io::Result<Option<Vec<Section>>> {
    let mut file = BufReader::new(file);
    match read_sections(&mut file) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read,
    }
}

fn read_sections<F: Read + Seek>(file: &mut BufReader<F>) -> io::Result<Option<Vec<Section>>> {
    let length = file.seek(io::SeekFrom::End(0))?;
    file.rewind()?;
    let mut header = [0; HEADER];
    file.read_exact(&mut header)?;
    // The last two bytes tell a component from a module.
    if !header.starts_with(MAGIC) || header[6..] != [1, 0] {
        return Ok(None);
    }
    let mut sections = Vec::new();
    let mut begins = HEADER as u64;
    while begins < length {
        if sections.len() == MAX_SECTIONS {
            return Ok(None);
        }
        let [kind] = bytes(file)?;
        let Some((size, digits)) = number(file)? else { return Ok(None) };
        let ends = begins + 1 + digits + size;
        if ends > length {
            return Ok(None);
        }
        let mut left = size;
        let mut manifest = None;
        if kind == CUSTOM {
            let Some((name, digits)) = number(file)? else { return Ok(None) };
            // What follows would be read at another place than where it is.
            if digits + name > size {
                return Ok(None);
            }
            left -= digits;
            if name == NAME.len() as u64 {
                let mut found = [0; NAME.len()];
                file.read_exact(&mut found)?;
                left -= name;
                if found == NAME.as_bytes() {
                    let mut content = Vec::new();
                    // A byte more shows that it is too large.
                    let most = left.min(MAX_SIZE as u64 + 1);
                    file.take(most).read_to_end(&mut content)?;
                    left -= most;
                    manifest = Some(content);
                }
            }
        }
        file.seek_relative(left.cast_signed())?;
        sections.push(Section { begins, ends, manifest });
        begins = ends;
    }
    Ok(Some(sections))
}

fn bytes<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A number of up to 32 bits in LEB128, and how many bytes it takes.
fn number(file: &mut impl Read) -> io::Result<Option<(u64, u64)>> {
    let mut number = 0;
    for digit in 0..5 {
        let [byte] = bytes(file)?;
        number |= u64::from(byte & 0x7f) << (7 * digit);
        if byte & 0x80 == 0 {
            return Ok(u32::try_from(number).is_ok().then_some((number, digit + 1)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an empty component is.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn read_from(bytes: &[u8]) -> Result<Option<String>, SectionError> {
        read(io::Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn a_manifest_is_found_where_it_was_put_and_replaced() {
        for component in [EMPTY, crate::embedded::EXAMPLES[0].1] {
            assert_eq!(read_from(component), Ok(None));
            let once = embed(component, "route = \"/a\"").unwrap();
            assert_eq!(read_from(&once).unwrap().as_deref(), Some("route = \"/a\""));
            let twice = embed(&once, "route = \"/b\"").unwrap();
            assert_eq!(read_from(&twice).unwrap().as_deref(), Some("route = \"/b\""));
            assert_eq!(once.len(), twice.len());
            assert!(once.starts_with(component));
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let once = embed(EMPTY, "").unwrap();
        let twice = [&once, &once[HEADER..]].concat();
        assert_eq!(read_from(&twice), Err(SectionError::Twice));
        let mut section = EMPTY.to_vec();
        section.push(CUSTOM);
        CustomSection { name: NAME.into(), data: (&b"\xff"[..]).into() }.encode(&mut section);
        assert_eq!(read_from(&section), Err(SectionError::NotUtf8));
        let mut large = EMPTY.to_vec();
        large.push(CUSTOM);
        let data = vec![b' '; MAX_SIZE + 1];
        CustomSection { name: NAME.into(), data: data.into() }.encode(&mut large);
        assert_eq!(read_from(&large), Err(SectionError::TooLarge));
    }

    #[test]
    fn what_is_no_component_has_no_manifest() {
        let whole = embed(EMPTY, "route = \"/a\"").unwrap();
        for end in 0..whole.len() {
            assert_eq!(read_from(&whole[..end]), Ok(None), "{end}");
        }
        let huge = [EMPTY, &[CUSTOM, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
        // Custom sections that have no name, or a longer one than there is room for.
        let nameless = [EMPTY, &[CUSTOM, 0], &whole[HEADER..]].concat();
        let shifted = [EMPTY, &[CUSTOM, 2, 16, b's'], &whole[HEADER..]].concat();
        for bytes in [&b""[..], b"garbage", b"\0asm\x01\0\0\0", &huge, &nameless, &shifted] {
            assert_eq!(read_from(bytes), Ok(None));
            assert!(matches!(embed(bytes, ""), Err(EmbedError::NotAComponent)));
        }
    }

    #[test]
    fn a_wrong_manifest_is_not_put_anywhere() {
        let error = embed(EMPTY, "rout = 1").unwrap_err();
        assert!(error.to_string().contains("did you mean route?"), "{error}");
    }
}
