//! Prints the reference of the configuration file, for `cargo xtask docs`.

fn main() {
    print!("{}", gorge_cli::config::reference::page());
}
