//! cmake and libclang from PyPI, in a folder of the target folder, for those who may not install packages.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::needs::{Need, What, find_libclang};
use crate::shell::{capture, execute, program};
use crate::workspace;

const WHEELS: [&str; 2] = ["cmake==4.*", "libclang==18.*"];

/// Brings those of the needs that PyPI has. Builds that are started from here on find them.
pub(crate) fn bring(missing: &[&Need]) -> Result<()> {
    let has = |need: &&Need| matches!(need.what, What::Program("cmake") | What::Libclang);
    if !missing.iter().any(has) {
        return Ok(());
    }
    let folder = folder()?;
    execute(
        program("python3", ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
            .arg(&folder)
            .args(WHEELS),
    )?;
    use_those_here();
    Ok(())
}

/// Lets builds find what an earlier run has brought; what the system has goes before it.
pub(crate) fn use_those_here() {
    let Ok(folder) = folder() else { return };
    let (cmake, clang) = (folder.join("cmake/data/bin"), folder.join("clang/native"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = std::env::split_paths(&path).any(|folder| folder == cmake);
    if cmake.is_dir() && !known {
        let folders = std::env::split_paths(&path).chain([cmake]);
        if let Ok(path) = std::env::join_paths(folders) {
            // SAFETY: a verb brings its needs before it starts any thread.
            unsafe { std::env::set_var("PATH", path) };
        }
    }
    if clang.is_dir() && find_libclang().is_none() {
        // SAFETY: as above.
        unsafe { std::env::set_var("LIBCLANG_PATH", clang) };
        // The wheel has no headers of its own; those of the C compiler serve.
        if let Ok(headers) = capture(&mut program("cc", ["-print-file-name=include"])) {
            let arguments = format!("-isystem {}", headers.trim());
            // SAFETY: as above.
            unsafe { std::env::set_var("BINDGEN_EXTRA_CLANG_ARGS", arguments) };
        }
    }
}

fn folder() -> Result<PathBuf> {
    Ok(workspace::target_folder().context("where wheels would go")?.join("wheels"))
}
