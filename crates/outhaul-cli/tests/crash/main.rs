//! The crash harness: servers and commands are killed with SIGKILL at named steps and at random moments, and no run is
//! lost, started twice, or left with a gap. `cargo test -p outhaul-cli --test crash`; `OUTHAUL_TEST_FULL=1` asks for the
//! long form, `OUTHAUL_TEST_SEED=N` repeats the chance of an earlier one.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by a panic and tell how far they are"
)]

mod commands;
mod failpoints;
mod kills;
mod launching;
mod logs;
mod work;

use std::process::ExitCode;
use std::time::Instant;

use libtest_mimic::{Arguments, Trial};
use outhaul_testkit::home::Home;
use outhaul_testkit::random;

/// A data folder of its own with the program of this build.
fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_outhaul"))
}

/// A test that names itself and the seed where it fails, and tells how long it took.
fn trial(name: impl Into<String>, seed: u64, test: impl FnOnce() + Send + 'static) -> Trial {
    let name = name.into();
    let told = name.clone();
    Trial::test(name, move || {
        let begin = Instant::now();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
        match outcome {
            Ok(()) => {
                println!("{told}: {:.1} s", begin.elapsed().as_secs_f64());
                Ok(())
            }
            Err(panic) => {
                let why = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                let why = why.unwrap_or_default();
                Err(format!("{told}, {}={seed}: {why}", random::SEED).into())
            }
        }
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (seed, full) = (random::seed(), random::full());
    let form = if full { "full" } else { "bounded" };
    // What lists the trials reads standard output.
    eprintln!("{form} form, {}={seed}", random::SEED);
    let mut trials = vec![
        trial("random_kills", seed, move || {
            kills::at_random_moments(&home(), seed, if full { 200 } else { 20 });
        }),
        trial("random_kills_slurm", seed, move || {
            kills::of_a_cluster(seed, if full { 120 } else { 12 });
        }),
        trial("log_across_kills", seed, move || logs::across_kills(seed)),
        trial("killed_commands", seed, move || {
            commands::killed(seed, if full { 100 } else { 15 });
        }),
        trial("twenty_commands_start_one_server", seed, commands::twenty_at_once),
        trial("terminated_server", seed, commands::terminated_server),
        trial("launch::answer_lost", seed, launching::answer_lost),
        trial("launch::two_supervisors", seed, || {
            launching::two_supervisors(false);
        }),
        trial("launch::late_supervisor", seed, || {
            launching::two_supervisors(true);
        }),
        trial("launch::canceled_before_the_claim", seed, || {
            launching::canceled_before_the_claim(false);
        }),
        trial("launch::canceled_before_the_process", seed, || {
            launching::canceled_before_the_process();
        }),
        trial(
            "launch::canceled_after_the_claim",
            seed,
            launching::canceled_after_the_claim,
        ),
    ];
    // Release builds have no fail points.
    let without = !cfg!(debug_assertions);
    let test = || launching::canceled_before_the_claim(true);
    trials.push(trial("launch::canceled_and_left", seed, test).with_ignored_flag(without));
    let counts: &[u32] = if full { &[1, 2, 3, 5] } else { &[1] };
    for name in outhaul_server::FAILPOINTS {
        for count in counts {
            let test = move || failpoints::dies_at(name, *count, full);
            trials.push(trial(format!("failpoint::{name}={count}"), seed, test).with_ignored_flag(without));
        }
    }
    for name in [
        "life.after-intent",
        "life.after-submit",
        "life.after-launched",
        "life.after-running",
    ] {
        let test = move || failpoints::canceled_after_dying_at(name);
        trials.push(trial(format!("canceled_after::{name}"), seed, test).with_ignored_flag(without));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
