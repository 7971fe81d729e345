//! Of a core module a component: what a compiler leaves becomes what is served.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, SourceMap, WorldId};

use super::assets;

/// The package that handlers speak.
const PACKAGE: &str = "socklet:websocket/";
/// Those of WASI that are known, of which a client of HTTP is made.
const WASI: [&str; 3] = ["wasi:io/", "wasi:clocks/", "wasi:http/"];

/// How deep components may lie within each other. What one is made of takes a few levels, and
/// looking through more of them takes time.
const MAX_DEPTH: usize = 100;

/// Whether these are a core module and no component.
pub(super) fn is_core_module(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x01\0\0\0")
}

/// Whether a core module or a component exports the handler, of whatever version.
pub(super) fn is_handler(bytes: &[u8]) -> Result<bool> {
    let is = |name: &String| {
        name.strip_prefix(PACKAGE).is_some_and(|interface| interface.starts_with("handler@"))
    };
    if is_core_module(bytes) {
        return Ok(Surface::of(bytes)?.exports.iter().any(is));
    }
    Ok(Outside::of(bytes)?.exports.iter().any(is))
}

/// What a component imports and exports, by name.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
    /// It exports types alone, as an encoded WIT package does.
    pub(super) is_wit: bool,
}

impl Outside {
    /// Of a valid one only.
    pub(super) fn of(component: &[u8]) -> Result<Self> {
        let mut outside = Self::default();
        let (mut depth, mut has_code) = (0_usize, false);
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                    has_code = true;
                    depth += 1;
                    ensure!(depth <= MAX_DEPTH, "components within components, too deep");
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    for import in imports {
                        outside.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports {
                        outside.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Validator::new_with_features(WasmFeatures::all()).validate_all(component)?;
        outside.is_wit = !has_code && !outside.exports.is_empty();
        Ok(outside)
    }
}

/// A component of a core module. Where the module says nothing of its world, that is what
/// it imports and exports of the package, and imports of `wasi:http`.
pub(super) fn of_module(module: &[u8]) -> Result<Vec<u8>> {
    let surface = Surface::of(module)?;
    let mut module = module.to_owned();
    if !surface.has_type {
        let (resolve, world) = surface.world()?;
        let encoding = StringEncoding::UTF8;
        wit_component::embed_component_metadata(&mut module, &resolve, world, encoding)?;
    }
    let mut encoder = ComponentEncoder::default().validate(true).module(&module)?;
    if surface.uses_preview1 {
        let name = WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME;
        encoder = encoder.adapter(name, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?;
    }
    encoder.encode()
}

/// What a core module imports and exports.
#[derive(Default)]
struct Surface {
    /// It carries its world, as what wit-bindgen generates does.
    has_type: bool,
    uses_preview1: bool,
    /// Interfaces, with their versions.
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
    /// Modules that nothing is known of.
    strange: BTreeSet<String>,
}

impl Surface {
    fn of(module: &[u8]) -> Result<Self> {
        let mut surface = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        surface.import(import?.module);
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        surface.export(export?.name);
                    }
                }
                Payload::CustomSection(section) => {
                    surface.has_type |= section.name().starts_with("component-type");
                }
                _ => {}
            }
        }
        Ok(surface)
    }

    fn import(&mut self, module: &str) {
        if module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME {
            self.uses_preview1 = true;
        } else if module.starts_with(PACKAGE) || is_wasi(module) {
            self.imports.insert(module.to_owned());
        } else {
            self.strange.insert(module.to_owned());
        }
    }

    /// `INTERFACE@VERSION#FUNCTION` is what the canonical ABI has.
    fn export(&mut self, name: &str) {
        if let Some((interface, _)) = name.split_once('#')
            && interface.starts_with(PACKAGE)
        {
            self.exports.insert(interface.to_owned());
        }
    }

    fn world(&self) -> Result<(Resolve, WorldId)> {
        if !self.strange.is_empty() {
            let strange: Vec<_> = self.strange.iter().map(String::as_str).collect();
            bail!(
                "the module imports from {}, which no component can: find out what it is that \
                 is not linked, or was built for another system",
                strange.join(", ")
            );
        }
        let mut resolve = Resolve::default();
        push(&mut resolve, "socklet", assets::wit())?;
        if self.imports.iter().any(|import| is_wasi(import)) {
            for file in assets::wasi() {
                push(&mut resolve, "WASI", [file])?;
            }
        }
        let mut text = "package local:project;\nworld project {\n".to_owned();
        for import in &self.imports {
            text += &format!("  import {import};\n");
        }
        for export in &self.exports {
            text += &format!("  export {export};\n");
        }
        text += "}\n";
        let unknown = "it imports or exports what this version of socklet does not have: take \
                       the SDK of the same version";
        let project = resolve.push_source("project.wit", &text).context(unknown)?;
        let world = resolve.select_world(&[project], Some("project"))?;
        Ok((resolve, world))
    }
}

fn is_wasi(module: &str) -> bool {
    WASI.iter().any(|package| module.starts_with(package))
}

/// Adds a package, of all the files that it has.
fn push(
    resolve: &mut Resolve,
    whose: &str,
    files: impl IntoIterator<Item = assets::File>,
) -> Result<()> {
    let mut sources = SourceMap::default();
    for (name, data) in files {
        sources.push(Path::new(&name), String::from_utf8_lossy(&data));
    }
    let package = sources.parse().map_err(|(files, error)| {
        anyhow::anyhow!("the WIT of {whose}: {}", error.render(&files))
    })?;
    resolve.push_group(package)?;
    Ok(())
}
