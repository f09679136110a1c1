//! The program `gorge`: all of it is in the library of this package; here is what a library leaves to
//! whoever links it, the allocator.

#[cfg(not(feature = "count-allocations"))]
mod allocator;
#[cfg(feature = "count-allocations")]
mod count_allocations;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "count-allocations")]
    let _report = count_allocations::report();
    gorge_cli::run()
}
