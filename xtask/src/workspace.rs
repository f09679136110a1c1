//! The workspace's own packages, as `cargo metadata` tells them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell::{capture, cargo};

/// One package of the workspace.
pub(crate) struct Package {
    /// `gorge-http`
    pub name: String,
    /// The folder, relative to the root: `crates/1-primitives/http`.
    pub folder: PathBuf,
    pub license: Option<String>,
    pub features: BTreeMap<String, Vec<String>>,
    /// Workspace packages it depends on, normal and build dependencies only.
    pub dependencies: Vec<String>,
    /// All others, those of tests included.
    pub third_party: Vec<String>,
    /// `lib`, `bin`, `test`, ...
    pub targets: Vec<String>,
}

impl Package {
    /// The folder's own name: `http` for `gorge-http`.
    pub(crate) fn short_name(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or(&self.name)
    }

    /// True for what stands below `crates/`.
    pub(crate) fn is_crate(&self) -> bool {
        self.folder.starts_with("crates")
    }

    pub(crate) fn has_library(&self) -> bool {
        self.targets.iter().any(|kind| kind == "lib")
    }

    pub(crate) fn read(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(root().join(&self.folder).join(file)).ok()
    }
}

/// The folder that holds the workspace.
pub(crate) fn root() -> &'static Path {
    // The manifest's folder is `<root>/xtask`, so it has a parent.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// All packages, in order of their folders.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let metadata = metadata()?;
    let list = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let names: Vec<&str> = list.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut packages = list
        .iter()
        .map(|package| read_package(package, &names))
        .collect::<Option<Vec<_>>>()
        .context("cargo metadata has another form than expected")?;
    packages.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(packages)
}

/// Where builds go.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let metadata = metadata()?;
    Ok(PathBuf::from(metadata["target_directory"].as_str().context("cargo metadata names no target folder")?))
}

fn metadata() -> Result<Value> {
    let text = capture(&mut cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
    serde_json::from_str(&text).context("cargo metadata is not JSON")
}

/// The packages that stand below `crates/`.
pub(crate) fn crates() -> Result<Vec<Package>> {
    Ok(packages()?.into_iter().filter(Package::is_crate).collect())
}

fn read_package(package: &Value, workspace: &[&str]) -> Option<Package> {
    let manifest = Path::new(package["manifest_path"].as_str()?);
    let dependencies = package["dependencies"].as_array()?;
    let names = |wanted: fn(&Value, bool) -> bool| {
        let mut names: Vec<String> = dependencies
            .iter()
            .filter_map(|dependency| Some((dependency, dependency["name"].as_str()?)))
            .filter(|(dependency, name)| wanted(dependency, workspace.contains(name)))
            .map(|(_, name)| name.to_owned())
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let features = package["features"].as_object()?;
    Some(Package {
        name: package["name"].as_str()?.to_owned(),
        folder: relative(manifest.parent()?),
        license: package["license"].as_str().map(str::to_owned),
        features: features.iter().map(|(name, brings)| (name.clone(), strings(brings))).collect(),
        dependencies: names(|dependency, ours| ours && dependency["kind"].as_str() != Some("dev")),
        third_party: names(|_, ours| !ours),
        targets: package["targets"].as_array()?.iter().flat_map(|target| strings(&target["kind"])).collect(),
    })
}

fn relative(path: &Path) -> PathBuf {
    path.strip_prefix(root()).unwrap_or(path).to_owned()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Every `.rs` file below `folder` (relative to the root), sorted; build output is left out.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(relative(&path));
            }
        }
    }
    found.sort();
    found
}

/// The version of a third-party package that Cargo.lock holds.
pub(crate) fn locked_version(name: &str) -> Option<String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).ok()?;
    let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(after.split('"').next()?.to_owned())
}
