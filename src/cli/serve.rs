//! `serve`: the backend for other devices.

use crate::backend::{Host, Options, listener, token};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::SystemClock;
use crate::limits::THREAD_CLIENTS_SERVE;
use crate::notice::{Exit, Explain as _, Notice};

/// Serves until Ctrl-C or SIGTERM.
pub(super) fn run(home: &Home, output: Output, listen: &str) -> Result<Exit, Notice> {
    if home.is_remote() {
        let line = "this data directory belongs to a remote backend";
        return Err(Notice::error("other-backend", line, "serve from a directory of its own"));
    }
    let _owner = home.own()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Notice::error("runtime", error.to_string(), ""))?;
    let socket = runtime.block_on(listener::bind(listen)).map_err(|error| error.notice())?;
    let options = Options { dir: home.backend_dir(), thread_clients: THREAD_CLIENTS_SERVE };
    let host = Host::start(&options, Box::new(SystemClock)).map_err(|error| error.notice())?;
    let token = token(&home.dir).map_err(|error| error.notice())?;
    let address = socket.local_addr().map_or_else(|_| listen.to_owned(), |a| a.to_string());
    let value = serde_json::json!({ "listening": format!("ws://{address}") });
    output.result(&value, || {
        let file = home.dir.join("token");
        format!("listening on ws://{address}; the token is in {}", file.display())
    })?;
    runtime.block_on(listener::run(socket, host.handle(), token, super::stop::wait()));
    host.stop();
    Ok(Exit::Done)
}
