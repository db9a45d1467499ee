//! What an instance is given, and what fails before there is one.

use std::collections::BTreeMap;
use std::net::{IpAddr, TcpListener};

use conduct_bundle::archive::{Mode, Packing, Stamp};
use conduct_model::BundleId;
use conduct_node::runtime::{ExitStatus, Seed, SeedEndpoint};
use conduct_runtime::LogStream;

use crate::host::{CONF, Host, packing};
use crate::tools::alive;

#[tokio::test]
async fn an_instance_gets_its_words_variables_and_ports_and_its_output_is_kept() {
    let mut host = Host::new().await;
    let bundle = host.bundle(
        r#"echo "port $1, then $2"; echo "others [$WEB_OTHER_IPS] [$WEB_OTHER_PORTS]" >&2
           echo "$BUNDLE_NAME $BUNDLE_SYSTEM $WEB_HOST $SERVICE_LOCATOR $PWD"; exec sleep 1000"#,
        "",
    );
    let seed = |last, port| Seed {
        host: IpAddr::from([10, 0, 0, last]),
        endpoints: BTreeMap::from([(
            "web".to_owned(),
            SeedEndpoint {
                protocol: "http".to_owned(),
                port,
            },
        )]),
    };
    let instance = host.order_start(bundle, None, vec![seed(1, 70), seed(2, 80)]);
    let (pid, ports) = host.launched(instance).await;
    let port = ports["web"].bind;
    assert!((host.first_port..host.first_port + 20).contains(&port));
    let root = host.folder.of(instance, "bundle/shop");
    let mut lines = host.lines(instance, 3).await;
    lines.sort();
    assert_eq!(
        lines,
        [
            (LogStream::Stdout, format!("port {port}, then a b")),
            (
                LogStream::Stdout,
                format!(
                    "shop shop http://127.0.0.1:{port} http://127.0.0.1:9008/services {}",
                    root.display()
                )
            ),
            (
                LogStream::Stderr,
                "others [10.0.0.1:10.0.0.2] [70:80]".to_owned()
            ),
        ]
    );
    assert_eq!(host.finish(instance).await.status, ExitStatus::Signal(15));
    assert!(!alive(pid));
}

#[tokio::test]
async fn a_configuration_is_laid_over_and_its_script_is_sourced() {
    let mut host = Host::new().await;
    let plain = host.bundle(
        "echo \"$GREETING from $BUNDLE_SYSTEM\"; exec sleep 1000",
        "",
    );
    let mut packing = Packing::new("prod", Stamp::from_unix_secs(0)).unwrap();
    packing
        .bytes("bundle.conf", Mode::FILE, "system = prod")
        .unwrap();
    packing
        .bytes(
            "runtime-config.sh",
            Mode::FILE,
            "export GREETING=\"hello $(echo you)\"\n",
        )
        .unwrap();
    let configured = BundleId::configured(plain.bundle, host.folder.store(&packing));
    let (instance, ..) = host.start(configured).await;
    let line = (LogStream::Stdout, "hello you from prod".to_owned());
    assert_eq!(host.lines(instance, 1).await, [line]);
    host.finish(instance).await;
}

#[tokio::test]
async fn a_bundle_that_cannot_run_here_fails_with_the_reason_and_holds_no_port() {
    let mut host = Host::new().await;
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let fixed =
        format!("components.shop.endpoints.fixed {{ bind-protocol = tcp, bind-port = {port} }}");
    let bundle = host.bundle("exec sleep 1000", &fixed);
    let why = host.refused(bundle).await;
    assert_eq!(
        why,
        format!("port {port} for endpoint fixed is taken by another program")
    );
    drop(stranger);
    let (instance, ..) = host.start(bundle).await;
    host.finish(instance).await;
}

#[tokio::test]
async fn a_port_that_a_stranger_took_is_passed_over() {
    let mut host = Host::new().await;
    let taken: Vec<_> = (0..3)
        .map(|step| TcpListener::bind(("127.0.0.1", host.first_port + step)).unwrap())
        .collect();
    let bundle = host.bundle("exec sleep 1000", "");
    let (instance, _, ports) = host.start(bundle).await;
    assert_eq!(ports["web"].bind, host.first_port + 3);
    drop(taken);
    host.finish(instance).await;
}

#[tokio::test]
async fn a_command_that_is_not_there_or_no_program_is_named_and_ends_the_instance_soon() {
    let mut host = Host::new().await;
    let cases = [
        ("shop/nowhere", "No such file", 127),
        ("shop/data", "Permission denied", 126),
        ("shop/odd", "Exec format error", 126),
    ];
    for (command, told, code) in cases {
        let mut packing = packing();
        let conf = format!(
            "{CONF} components.shop {{ description = x, file-system-type = universal
             endpoints {{}}, start-command = [\"{command}\"] }}"
        );
        let mut file = |name, mode, bytes: &[u8]| packing.bytes(name, mode, bytes).unwrap();
        file("bundle.conf", Mode::FILE, conf.as_bytes());
        file("shop/data", Mode::FILE, b"data");
        // A program of a machine that does not exist.
        file(
            "shop/odd",
            Mode::PROGRAM,
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xff\xff",
        );
        let bundle = BundleId::plain(host.folder.store(&packing));
        let (instance, ..) = host.start(bundle).await;
        assert_eq!(host.ended(instance).await.status, ExitStatus::Code(code));
        let said = host.said(instance);
        let is_told = |line: &String| line.contains(command) && line.contains(told);
        assert!(said.iter().any(is_told), "{said:?}");
    }
}

#[tokio::test]
async fn all_components_run_with_the_variables_of_all_endpoints_and_end_together() {
    let mut host = Host::new().await;
    let more = r#"components.second {
        description = "", file-system-type = universal
        start-command = ["bash", "-c", "echo second $WEB_HOST_PORT; exec sleep 1000"]
        endpoints.other-one { bind-protocol = tcp, bind-port = 0 } }"#;
    let script = "echo first $OTHER_ONE_HOST; trap 'exit 4' TERM; while :; do sleep 0.01; done";
    let bundle = host.bundle(script, more);
    let (instance, pid, ports) = host.start(bundle).await;
    let mut lines: Vec<String> = host
        .lines(instance, 2)
        .await
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    lines.sort();
    let (web, other) = (ports["web"].host, ports["other-one"].host);
    assert_eq!(
        lines,
        [
            format!("first tcp://127.0.0.1:{other}"),
            format!("second {web}")
        ]
    );
    let processes = host.folder.processes();
    host.finish(instance).await;
    assert!(!alive(pid));
    assert!(!processes.into_iter().any(alive));
}

#[tokio::test]
async fn every_variable_that_instances_are_promised_is_there() {
    let mut host = Host::new().await;
    let bundle = host.bundle("env; echo done; exec sleep 1000", "tags = [one, two]");
    let (instance, _, ports) = host.start(bundle).await;
    let port = ports["web"].bind;
    let count = loop {
        let said = host.said(instance);
        if said.iter().any(|line| line == "done") {
            break said.len();
        }
        tokio::task::yield_now().await;
    };
    let said: BTreeMap<String, String> = host
        .lines(instance, count)
        .await
        .iter()
        .filter_map(|(_, line)| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let id = bundle.to_string();
    let (port_text, host_text) = (port.to_string(), format!("http://127.0.0.1:{port}"));
    let expected = [
        ("BUNDLE_ID", id.as_str()),
        ("BUNDLE_NAME", "shop"),
        ("BUNDLE_COMPATIBILITY_VERSION", "1"),
        ("BUNDLE_SYSTEM", "shop"),
        ("BUNDLE_SYSTEM_VERSION", "1"),
        ("BUNDLE_TAGS", "one,two"),
        ("BUNDLE_HOST_IP", "127.0.0.1"),
        ("CONDUCTR_CONTROL", "http://127.0.0.1:9005"),
        ("CONDUCTR_CONTROL_PROTOCOL", "http"),
        ("CONDUCTR_CONTROL_IP", "127.0.0.1"),
        ("CONDUCTR_CONTROL_PORT", "9005"),
        ("CONDUCTR_STATUS", "http://127.0.0.1:9007"),
        ("CONDUCTR_STATUS_PROTOCOL", "http"),
        ("CONDUCTR_STATUS_IP", "127.0.0.1"),
        ("CONDUCTR_STATUS_PORT", "9007"),
        ("SERVICE_LOCATOR", "http://127.0.0.1:9008/services"),
        ("SERVICE_LOCATOR_PROTOCOL", "http"),
        ("SERVICE_LOCATOR_IP", "127.0.0.1"),
        ("SERVICE_LOCATOR_PORT", "9008"),
        ("SERVICE_PROXY_IP", "127.0.0.1"),
        ("WEB_PROTOCOL", "http"),
        ("WEB_HOST", &host_text),
        ("WEB_HOST_PORT", &port_text),
        ("WEB_BIND_IP", "127.0.0.1"),
        ("WEB_BIND_PORT", &port_text),
        ("WEB_OTHER_PROTOCOLS", ""),
        ("WEB_OTHER_IPS", ""),
        ("WEB_OTHER_PORTS", ""),
    ];
    for (name, value) in expected {
        assert_eq!(said.get(name).map(String::as_str), Some(value), "{name}");
        let let_in = said["CONTAINER_ENV"].split(':').any(|one| one == name);
        assert!(let_in, "{name} is kept from containers");
    }
    let own = said["CONTAINER_ENV"]
        .split(':')
        .find(|name| ["PATH", "HOME"].contains(name));
    assert_eq!(own, None, "what is the host's own stays there");
    host.finish(instance).await;
}

#[tokio::test]
async fn of_a_bundle_the_newest_two_run_directories_are_kept() {
    let mut host = Host::new().await;
    let bundle = host.bundle("exit 0", "");
    let mut instances = Vec::new();
    for _ in 0..5 {
        let (instance, ..) = host.start(bundle).await;
        host.ended(instance).await;
        let forget = conduct_node::runtime::RuntimeOrder::Forget { instance };
        host.runtime.order(forget);
        let done = host.folder.of(instance, "done.json");
        crate::tools::eventually("it is forgotten", || done.exists()).await;
        instances.push(instance);
    }
    let last = host.start(bundle).await.0;
    host.ended(last).await;
    let kept = || {
        let kept = |instance: &&_| host.folder.of(**instance, "").exists();
        instances.iter().filter(kept).count()
    };
    crate::tools::eventually("old ones go", || kept() == 2).await;
    assert!(host.folder.of(instances[4], "").exists());
    assert!(host.folder.of(instances[3], "").exists());
}
