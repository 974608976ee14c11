//! `postern`: the dashboard and the gateway in one process.

mod clock;
mod config;
mod gateway_link;
mod guard;
mod hooks;
mod http;
mod logging;
mod run;
mod site;

use std::process::ExitCode;

fn main() -> ExitCode {
    let settings = match config::Settings::read() {
        Ok(settings) => settings,
        Err(problem) => return problem.report(),
    };
    logging::start(&settings.log);
    match run::run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("Postern cannot run: {error:#}");
            ExitCode::FAILURE
        }
    }
}
