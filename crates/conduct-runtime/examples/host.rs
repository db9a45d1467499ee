//! A daemon that is nothing but its runtime: for tests that kill daemons. It does what the lines of
//! its standard input say, and tells what happens in lines.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use conduct_model::{InstanceId, Span, System};
use conduct_node::descriptor::Descriptor;
use conduct_node::runtime::{Adopted, RuntimeEvent, RuntimeOrder, StartInstance};
use conduct_runtime::{LimitPolicy, Runtime, RuntimeConfig, Service, mode_main};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<_> = std::env::args_os().collect();
    if let Some(code) = mode_main(&words) {
        std::process::exit(if code == std::process::ExitCode::SUCCESS {
            0
        } else {
            1
        });
    }
    let mut words = std::env::args().skip(1);
    let mut word = || {
        words
            .next()
            .ok_or("folder, name and first port are missing")
    };
    let (folder, name, first_port) = (PathBuf::from(word()?), word()?, word()?.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(config(&folder, name, first_port)?))
}

fn config(
    folder: &Path,
    name: String,
    first_port: u16,
) -> Result<RuntimeConfig, Box<dyn std::error::Error>> {
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let service = |port| Service { ip, port };
    let archives = folder.join("archives");
    Ok(RuntimeConfig {
        runs: folder.join("runs"),
        program: std::env::current_exe()?,
        host_ip: ip,
        ports: first_port..=first_port + 19,
        control: service(9005),
        status: service(9007),
        locator: service(9008),
        archive: Box::new(move |digest| Some(archives.join(digest.to_string()))),
        name,
        volumes: folder.join("volumes"),
        runc: "runc".into(),
        docker: "docker".into(),
        images: None,
        limits: LimitPolicy::default(),
    })
}

async fn serve(config: RuntimeConfig) -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let (sender, mut events) = mpsc::channel(4096);
    let runtime = Runtime::open(config, sender).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            Some(event) = events.recv() => tell(&event, begun)?,
            line = lines.next_line() => match line? {
                Some(line) => obey(&runtime, &line)?,
                None => return Ok(()),
            },
        }
    }
}

fn obey(runtime: &Runtime, line: &str) -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<&str> = line.split(' ').collect();
    let instance = |text: &str| text.parse::<InstanceId>();
    match words[..] {
        ["start", which, bundle] => {
            let (instance, bundle) = (instance(which)?, bundle.parse()?);
            let system = System {
                name: "shop".parse()?,
                version: "1".parse()?,
            };
            let descriptor = Arc::new(Descriptor::plain("shop", system));
            runtime.order(RuntimeOrder::Prepare {
                instance,
                bundle,
                descriptor: Arc::clone(&descriptor),
            });
            runtime.order(RuntimeOrder::Start(Box::new(StartInstance {
                instance,
                bundle,
                descriptor,
                seeds: Vec::new(),
                start_timeout: Span::secs(60),
                lease: None,
            })));
        }
        ["stop", which, millis] => runtime.order(RuntimeOrder::Stop {
            instance: instance(which)?,
            grace: Span::millis(millis.parse()?),
        }),
        ["forget", which] => runtime.order(RuntimeOrder::Forget {
            instance: instance(which)?,
        }),
        _ => return Err(format!("not understood: {line}").into()),
    }
    Ok(())
}

fn tell(event: &RuntimeEvent, begun: Instant) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    match event {
        RuntimeEvent::Adopted { instances } => {
            for (instance, adopted) in instances {
                match adopted {
                    Adopted::Prepared => writeln!(out, "prepared {instance}")?,
                    Adopted::Alive { pid, .. } => writeln!(out, "alive {instance} {pid}")?,
                    Adopted::Ended(exit) => writeln!(out, "ended {instance} {:?}", exit.status)?,
                }
            }
            writeln!(out, "adopted {}", begun.elapsed().as_millis())?;
        }
        RuntimeEvent::Launched { instance, pid, .. } => {
            writeln!(out, "launched {instance} {pid}")?;
        }
        RuntimeEvent::Failed { instance, why } => writeln!(out, "failed {instance} {why}")?,
        RuntimeEvent::Ended { instance, exit } => {
            writeln!(out, "ended {instance} {:?}", exit.status)?;
        }
        _ => {}
    }
    out.flush()
}
