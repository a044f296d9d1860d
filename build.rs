//! What the program is linked with.
//!
//! The standard library unwinds with GCC's `libgcc_s`, which the loader would bring in at each
//! start, for a tenth of the time that a search takes. Where the compiler that links has the same
//! code as an archive, it is linked into the program; where it has not, nothing changes.

use std::env;
use std::path::Path;
use std::process::Command;

/// The archive's file, and its name to the linker.
const FILE: &str = "libgcc_eh.a";
const NAME: &str = "gcc_eh";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    if !is_dynamic_glibc() {
        return;
    }
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let Ok(said) = Command::new(linker).arg(format!("-print-file-name={FILE}")).output() else {
        return;
    };
    let said = String::from_utf8_lossy(&said.stdout);
    // One that it does not have is named as it was asked for.
    let archive = Path::new(said.trim());
    if let Some(dir) = archive.parent().filter(|_| archive.is_absolute() && archive.is_file()) {
        println!("cargo::rustc-link-search=native={}", dir.display());
        println!("cargo::rustc-link-lib=static={NAME}");
    }
}

/// Whether the program is for Linux with glibc, which is not linked into it.
fn is_dynamic_glibc() -> bool {
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let is_static = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    target("OS") == "linux" && target("ENV") == "gnu" && !is_static
}
