//! `conductd unit`: the service for systemd.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;

use super::Place;

/// Print a systemd unit for this program and these settings
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, place: &Place) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("this program has no path")?;
    let mut words = vec![program.display().to_string(), "run".to_owned()];
    if let Some(config) = &place.config {
        words.push(format!("--config {}", config.display()));
    }
    words.extend(
        place
            .overrides
            .iter()
            .map(|setting| format!("'-D{setting}'")),
    );
    let text = unit(&words.join(" "), &program.display().to_string());
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Instances outlive the daemon, so systemd must end the daemon alone, and leave the control groups
/// below the service to it.
fn unit(start: &str, program: &str) -> String {
    format!(
        "[Unit]\n\
         Description=A node of a conduct cluster\n\
         After=network-online.target\n\
         Wants=network-online.target\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=notify\n\
         ExecStart={start}\n\
         ExecReload={program} upgrade\n\
         KillMode=process\n\
         Delegate=yes\n\
         Restart=always\n\
         RestartSec=200ms\n\
         RestartPreventExitStatus=78\n\
         WatchdogSec=10\n\
         OOMScoreAdjust=-900\n\
         LimitNOFILE=65536\n\
         TasksMax=infinity\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stopping_the_service_ends_the_daemon_and_nothing_else() {
        let text = unit("/usr/bin/conductd run", "/usr/bin/conductd");
        for line in [
            "Type=notify",
            "ExecStart=/usr/bin/conductd run",
            "KillMode=process",
            "Delegate=yes",
            "Restart=always",
            "OOMScoreAdjust=-900",
            "RestartPreventExitStatus=78",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is missing");
        }
    }
}
