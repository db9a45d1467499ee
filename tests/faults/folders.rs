//! State folders that are in use, closed, loose or not there.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use conduct_tests::{Cluster, run};

#[test]
fn a_second_daemon_on_a_folder_ends_and_the_first_does_not_notice() {
    let cluster = Cluster::start(1);
    let other_ports = ["-Dconduct.control.port=0", "-Dconduct.status.port=0"];
    let mut second = cluster[0].conductd(&["run", "-Dconduct.locator.port=0"]);
    let ran = run(second.args(other_ports));
    ran.failed(78, "another daemon uses");
    cluster[0].ready().unwrap();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let cluster = Cluster::start(1);
    run(&mut cluster[0].conductd(&["run"])).failed(78, "for the control API");
}

#[test]
fn a_node_without_keys_is_told_how_to_get_some() {
    let cluster = Cluster::start(1);
    let folder = cluster.folder().join("nothing");
    let setting = format!("-Dconduct.state-dir={}", folder.display());
    let ports = [
        "-Dconduct.control.port=0",
        "-Dconduct.status.port=0",
        "-Dconduct.locator.port=0",
    ];
    let mut command = cluster[0].conductd(&["run"]);
    run(command.arg(setting).args(ports)).failed(78, "conductd init");
}

#[test]
fn a_key_that_others_can_read_keeps_the_node_out() {
    let mut cluster = Cluster::start(1);
    cluster[0].kill();
    let key = cluster[0].folder().join("keys/node.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    run(&mut cluster[0].conductd(&["run"])).failed(78, "can be read by others");
}

#[test]
fn the_control_api_is_not_opened_to_the_network() {
    let cluster = Cluster::start(1);
    let mut command = cluster[0].conductd(&["run", "-Dconduct.control.ip=192.0.2.1"]);
    run(&mut command).failed(78, "only a loopback address");
}
