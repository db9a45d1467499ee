//! Starts that are cut off, and programs that die.

use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::{World, ran};

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).expect("it is ours");
}

fn started(world: &World, words: &str) -> Child {
    let mut command = world.sandbox_command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

#[test]
fn an_interrupt_at_any_moment_of_a_start_leaves_nothing() {
    let world = World::new();
    for millis in [0, 30, 100, 200, 400, 700] {
        let child = started(&world, "run");
        // The moment is what is tried here: whatever it meets, nothing may stay.
        std::thread::sleep(Duration::from_millis(millis));
        send(&child, Signal::SIGINT);
        let ended = ran(child.wait_with_output());
        if ended.code == 0 {
            world.must("stop");
        }
        world.assert_empty();
    }
}

#[test]
fn what_a_killed_start_left_is_cleaned_up_by_the_next_command() {
    let world = World::new();
    for millis in [100, 300] {
        let mut child = started(&world, "run --no-wait");
        std::thread::sleep(Duration::from_millis(millis));
        send(&child, Signal::SIGKILL);
        child.wait().expect("it ended");
        world.must("ps");
        if world.sandbox("status").code == 0 {
            world.must("stop");
        }
        world.assert_empty();
    }
}

#[test]
fn a_sandbox_whose_daemons_died_is_cleaned_up_by_the_next_command() {
    let world = World::new();
    world.must("run -n 2");
    for pid in world.must("ps -q").stdout.lines() {
        let pid = pid.parse().expect("a number");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it is ours");
    }
    world.until("the daemons are gone", || {
        world.must("ps").stderr.contains("cleaned up") || world.processes().is_empty()
    });
    world.assert_empty();
    assert_eq!(world.sandbox("status").code, 3);
}

#[test]
fn a_sandbox_in_the_foreground_goes_with_its_program() {
    let world = World::new();
    let child = started(&world, "run -n 1 --foreground");
    world.until("it runs", || world.sandbox("status").code == 0);
    send(&child, Signal::SIGINT);
    let ended = ran(child.wait_with_output());
    assert_eq!(ended.code, 130, "{ended:#?}");
    world.assert_empty();

    let mut child = started(&world, "run -n 1 --foreground");
    world.until("it runs", || world.sandbox("status").code == 0);
    send(&child, Signal::SIGKILL);
    child.wait().expect("it ended");
    assert!(world.must("ps").stderr.contains("cleaned up"));
    world.assert_empty();

    let child = started(&world, "run -n 1 --foreground");
    world.until("it runs", || world.sandbox("status").code == 0);
    world.must("stop");
    let ended = ran(child.wait_with_output());
    assert_eq!(ended.code, 0, "{ended:#?}");
    world.assert_empty();
}
