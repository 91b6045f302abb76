//! Puts the documents of `knowledge/` into the program: one list, made from the folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed=knowledge");
    let mut stems: Vec<String> = std::fs::read_dir(root.join("knowledge"))?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            // The index page is made from the others.
            name.strip_suffix(".md").filter(|stem| *stem != "README").map(str::to_owned)
        })
        .collect();
    stems.sort();
    let mut list = String::from("/// All documents: stem and text.\npub const DOCUMENTS: &[(&str, &str)] = &[\n");
    for stem in stems {
        let path = root.join("knowledge").join(format!("{stem}.md"));
        let _ = writeln!(list, "    ({stem:?}, include_str!({path:?})),");
    }
    list.push_str("];\n");
    let asked = root.join("knowledge/asked.txt");
    let _ = writeln!(list, "/// What is asked of their sections.\npub const ASKED: &str = include_str!({asked:?});");
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("documents.rs"), list)
}
