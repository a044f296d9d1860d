//! Takes the unwinder of the C compiler into the program where it has one to take.
//!
//! Invariant: a wish and no more. As a library of its own it is looked for, mapped and set up by
//! every process, which takes a part of the time of a whole search; where it cannot be taken in,
//! the program is linked with that library, as any other.

use std::path::Path;
use std::process::Command;

/// The unwinder, as every GCC brings it.
const UNWINDER: &str = "libgcc_eh.a";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let is_here = std::env::var("HOST").ok() == std::env::var("TARGET").ok();
    if is_here && target("OS") == "linux" && target("ENV") == "gnu" && has_unwinder() {
        println!("cargo::rustc-link-lib=dylib=gcc_eh");
        println!("cargo::rustc-env=MAILTUI_UNWINDER=inside");
    }
}

/// Whether it is found by the compiler that links: one that does not know it says its bare name.
fn has_unwinder() -> bool {
    let linker = std::env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let asked = Command::new(linker).arg(format!("-print-file-name={UNWINDER}")).output();
    asked.is_ok_and(|said| {
        let path = String::from_utf8_lossy(&said.stdout);
        let path = Path::new(path.trim());
        path.is_absolute() && path.is_file()
    })
}
