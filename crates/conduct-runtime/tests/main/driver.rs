//! A daemon in a process of its own, so that it can be killed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use conduct_model::{BundleId, InstanceId};

use crate::host::{Folder, program};
use crate::tools::PATIENCE;

pub(crate) struct Driver {
    child: Child,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// What a daemon found when it began.
pub(crate) struct Begun {
    pub(crate) took: Duration,
    pub(crate) alive: Vec<(InstanceId, u32)>,
    pub(crate) others: Vec<String>,
}

impl Driver {
    /// Starts a daemon over a folder; `before` are the words of a program that runs it.
    pub(crate) fn start(folder: &Folder, first_port: u16, before: &[String]) -> Driver {
        let daemon = program("host").display().to_string();
        let place = folder.path().display().to_string();
        let own = [daemon, place, folder.name.clone(), first_port.to_string()];
        let words: Vec<&String> = before.iter().chain(&own).collect();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is ours"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let orders = child.stdin.take();
        Driver {
            child,
            orders,
            lines,
        }
    }

    /// The daemon itself, or whatever runs it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its next line; nothing once it is dead.
    pub(crate) fn line(&self) -> Option<String> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(Disconnected) => None,
            Err(Timeout) => panic!("the daemon says nothing"),
        }
    }

    /// Waits until it has told what it adopted. Nothing if it died before.
    pub(crate) fn begun(&self) -> Option<Begun> {
        let mut begun = Begun {
            took: Duration::ZERO,
            alive: Vec::new(),
            others: Vec::new(),
        };
        loop {
            let line = self.line()?;
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["adopted", millis] => {
                    begun.took = Duration::from_millis(millis.parse().expect("a number"));
                    return Some(begun);
                }
                ["alive", instance, pid] => begun.alive.push((
                    instance.parse().expect("an instance"),
                    pid.parse().expect("a number"),
                )),
                _ => begun.others.push(line),
            }
        }
    }

    /// Waits for a line that begins so; answers the rest of it. Nothing if it died before.
    pub(crate) fn until(&self, start: &str) -> Option<String> {
        loop {
            let line = self.line()?;
            if let Some(rest) = line.strip_prefix(start) {
                return Some(rest.trim().to_owned());
            }
        }
    }

    pub(crate) fn order(&mut self, line: &str) {
        // One that is dead already does nothing more.
        if let Some(orders) = &mut self.orders {
            let _ = orders.write_all(format!("{line}\n").as_bytes());
        }
    }

    pub(crate) fn order_start(&mut self, instance: InstanceId, bundle: BundleId) {
        self.order(&format!("start {instance} {}", bundle.full()));
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        // It may have died by itself.
        let _ = self.child.kill();
        self.child.wait().expect("it is ours");
    }
}
