//! The private keys among the files of the configurations.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Lets nobody else read them: a checkout leaves them open to all, which would be told of.
pub(crate) fn hide(folder: &str) {
    for entry in fs::read_dir(Path::new("tests/config").join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let is_open = path.ends_with("open.key");
        if path.extension().is_some_and(|extension| extension == "key") {
            let mode = if is_open { 0o644 } else { 0o600 };
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
    }
}
