//! `postern`: the dashboard and the gateway in one process.

mod ambient;
mod ask;
mod client_limits;
mod clock;
mod config;
mod gateway_link;
mod guard;
mod hooks;
mod http;
mod logging;
mod report;
mod run;
mod site;

use config::Invocation;
use std::process::ExitCode;

/// A request of the gateway allocates some fifty times, and the system's allocator takes an eighth of its instructions
/// (docs/decisions.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let settings = match config::read() {
        Ok(Invocation::Serve(settings)) => settings,
        Ok(Invocation::Ask(asked)) => return ask::answer(&asked),
        Err(problem) => return problem.report(),
    };
    logging::start(&settings.log);
    match run::run(*settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("Postern cannot run: {error:#}");
            ExitCode::FAILURE
        }
    }
}
