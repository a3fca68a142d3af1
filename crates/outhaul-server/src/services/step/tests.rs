//! Every situation of a service as a table, and a service that lives through all of them at random.

use std::collections::BTreeMap;

use outhaul_types::{ServiceSpec, SnapshotRef};
use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn run(number: u32) -> RunId {
    format!("{number:016}").parse().unwrap()
}

fn instance(number: u32, generation: u32) -> Option<ServiceInstance> {
    Some(ServiceInstance {
        run: run(number),
        generation,
    })
}

fn spec(entry: &str) -> ServiceSpec {
    ServiceSpec {
        models: Vec::new(),
        entry: entry.into(),
        source: SnapshotRef {
            tree: "t".into(),
            files: 1,
            bytes: 1,
            source: "/s".into(),
            git: None,
        },
        environment: Default::default(),
        environment_name: None,
        variables: BTreeMap::new(),
        host: "127.0.0.1".into(),
        port: 1,
        workers: 1,
        queue: 1,
        timeout_seconds: 1,
        max_body: 1,
        cors: None,
        keys: false,
        tls: None,
    }
}

fn service(state: ServiceState) -> WebService {
    WebService {
        id: run(0),
        name: "one".into(),
        workspace: "default".into(),
        target: "local".into(),
        description: String::new(),
        tags: BTreeMap::new(),
        spec: spec("new.py"),
        previous: None,
        generation: 1,
        state,
        state_since: at(0),
        error: None,
        current: None,
        next: None,
        leaving: Vec::new(),
        restarts: 0,
        retry_at: None,
        created_at: at(0),
        updated_at: at(0),
        url: String::new(),
    }
}

const GOING: Fate = Fate::Going {
    ready: false,
    ending: false,
};
const READY: Fate = Fate::Going {
    ready: true,
    ending: false,
};
const ENDING: Fate = Fate::Going {
    ready: true,
    ending: true,
};

fn ended() -> Fate {
    Fate::Ended {
        message: "exit code 2".into(),
        log: "Traceback".into(),
    }
}

fn step(service: &WebService, fates: &[(u32, Fate)]) -> Step {
    let fates = fates
        .iter()
        .map(|(number, fate)| (run(*number), fate.clone()))
        .collect();
    next(service, &fates, at(10))
}

fn recorded(service: &WebService, fates: &[(u32, Fate)]) -> WebService {
    match step(service, fates) {
        Step::Record(changed) => *changed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deployment_is_intended_submitted_and_promoted() {
    let mut one = service(ServiceState::Transitioning);
    assert_eq!(step(&one, &[]), Step::Intend);
    one.next = instance(1, 1);
    assert_eq!(step(&one, &[]), Step::Submit(instance(1, 1).unwrap()));
    assert_eq!(step(&one, &[(1, GOING)]), Step::Wait(None));
    let up = recorded(&one, &[(1, READY)]);
    assert_eq!(
        (up.state, &up.current, &up.next),
        (ServiceState::Healthy, &instance(1, 1), &None)
    );
    assert_eq!(step(&up, &[(1, READY)]), Step::Wait(None));
}

#[test]
fn one_that_never_comes_up_has_failed_and_is_not_tried_again() {
    let mut one = service(ServiceState::Transitioning);
    one.next = instance(1, 1);
    let failed = recorded(&one, &[(1, ended())]);
    assert_eq!(failed.state, ServiceState::Failed);
    assert_eq!(failed.error.as_ref().unwrap().log, "Traceback");
    assert_eq!(step(&failed, &[]), Step::Wait(None));
}

#[test]
fn one_that_cannot_be_started_at_all_has_failed_too() {
    let mut one = service(ServiceState::Transitioning);
    one.next = instance(1, 1);
    let failed = refused(&one, "the files are too many", at(10));
    assert_eq!((failed.state, &failed.next), (ServiceState::Failed, &None));
    one.state = ServiceState::Unhealthy;
    let again = refused(&one, "the target is not attached", at(10));
    assert_eq!(
        (again.state, again.retry_at),
        (ServiceState::Unhealthy, Some(at(10)))
    );
}

#[test]
fn an_update_takes_over_before_the_old_one_is_ended() {
    let mut one = service(ServiceState::Healthy);
    (one.current, one.generation) = (instance(1, 1), 2);
    one.previous = Some(Box::new(spec("old.py")));
    assert_eq!(step(&one, &[(1, READY)]), Step::Intend);
    one.next = instance(2, 2);
    assert_eq!(step(&one, &[(1, READY), (2, GOING)]), Step::Wait(None));
    let up = recorded(&one, &[(1, READY), (2, READY)]);
    assert_eq!(
        (&up.current, &up.leaving, &up.previous),
        (&instance(2, 2), &vec![run(1)], &None)
    );
    assert_eq!(step(&up, &[(1, READY), (2, READY)]), Step::End(vec![run(1)]));
    assert_eq!(step(&up, &[(1, ENDING), (2, READY)]), Step::Wait(None));
    let alone = recorded(&up, &[(1, ended()), (2, READY)]);
    assert_eq!(alone.leaving, []);
}

#[test]
fn an_update_that_does_not_come_up_changes_nothing_but_what_is_told() {
    let mut one = service(ServiceState::Healthy);
    (one.current, one.next, one.generation) = (instance(1, 1), instance(2, 2), 2);
    one.previous = Some(Box::new(spec("old.py")));
    let after = recorded(&one, &[(1, READY), (2, ended())]);
    assert_eq!(
        (after.state, after.spec.entry.as_str()),
        (ServiceState::Healthy, "old.py")
    );
    assert_eq!(after.error.as_ref().unwrap().run, Some(run(2)));
    assert_eq!(step(&after, &[(1, READY)]), Step::Wait(None));
    assert!(!after.is_changing());
}

#[test]
fn a_newer_wish_ends_what_is_being_brought_up() {
    let mut one = service(ServiceState::Healthy);
    (one.current, one.next, one.generation) = (instance(1, 1), instance(2, 2), 3);
    let after = recorded(&one, &[(1, READY), (2, GOING)]);
    assert_eq!((&after.next, &after.leaving), (&None, &vec![run(2)]));
    assert_eq!(step(&after, &[(1, READY), (2, GOING)]), Step::End(vec![run(2)]));
    assert_eq!(step(&after, &[(1, READY), (2, ENDING)]), Step::Intend);
    // One that was only intended is forgotten.
    assert_eq!(recorded(&one, &[(1, READY)]).next, None);
}

#[test]
fn an_end_by_itself_is_followed_by_another_try_with_growing_pauses() {
    let mut one = service(ServiceState::Healthy);
    one.current = instance(1, 1);
    let mut now = recorded(&one, &[(1, ended())]);
    assert_eq!(
        (now.state, &now.current, now.retry_at),
        (ServiceState::Unhealthy, &None, Some(at(10)))
    );
    assert_eq!(step(&now, &[]), Step::Intend);
    let mut pauses = Vec::new();
    for number in 2..12 {
        now.next = instance(number, 1);
        now = recorded(&now, &[(number, ended())]);
        assert_eq!(now.state, ServiceState::Unhealthy);
        pauses.push(now.retry_at.unwrap().duration_since(at(10)).as_secs());
        assert_eq!(step(&now, &[]), Step::Wait(now.retry_at));
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    now.next = instance(12, 1);
    let up = recorded(&now, &[(12, READY)]);
    assert_eq!(
        (up.state, up.retry_at, &up.error),
        (ServiceState::Healthy, None, &None)
    );
    // It answered for long: the pauses begin anew.
    let fates = HashMap::from([(run(12), ended())]);
    let Step::Record(later) = next(&up, &fates, at(10 + 3600)) else {
        panic!("it is recorded");
    };
    assert_eq!((later.restarts, later.retry_at), (1, Some(at(3610))));
}

#[test]
fn deleting_waits_for_the_last_of_its_runs() {
    let mut one = service(ServiceState::Deleting);
    (one.current, one.next) = (instance(1, 1), instance(2, 2));
    one.leaving = vec![run(3)];
    let fates = [(1, READY), (2, GOING), (3, ENDING)];
    assert_eq!(step(&one, &fates), Step::End(vec![run(1), run(2)]));
    let fates = [(1, ENDING), (2, ended()), (3, ENDING)];
    assert_eq!(step(&one, &fates), Step::Wait(None));
    assert_eq!(step(&one, &[(1, ended()), (2, ended())]), Step::Remove);
}

proptest! {
    /// Whatever happens to a service's runs, there is always a wish that is kept: it comes to rest, with at most one
    /// instance that answers, none that is forgotten, and the last wish served unless it could not come up.
    #[test]
    fn it_comes_to_rest_and_forgets_no_run(events in prop::collection::vec(0u8..6, 0..40)) {
        let mut now = service(ServiceState::Transitioning);
        let mut fates: HashMap<RunId, Fate> = HashMap::new();
        let mut number = 0;
        let mut clock = 0;
        let mut settle = |now: &mut WebService, fates: &mut HashMap<RunId, Fate>, clock: &mut i64| {
            for _ in 0..100 {
                match next(now, fates, at(*clock)) {
                    Step::Record(changed) => *now = *changed,
                    Step::Intend => {
                        number += 1;
                        now.next = instance(number, now.generation);
                    }
                    Step::Submit(instance) => drop(fates.insert(instance.run, GOING)),
                    Step::End(runs) => for run in runs { fates.insert(run, ENDING); },
                    Step::Wait(Some(_)) => *clock += 61,
                    Step::Wait(None) => return true,
                    Step::Remove => return true,
                }
            }
            false
        };
        for event in events {
            prop_assert!(settle(&mut now, &mut fates, &mut clock), "it turns in circles: {now:?}");
            // Everything that goes on is known to the record.
            for (run, fate) in &fates {
                if matches!(fate, Fate::Going { .. }) {
                    prop_assert!(now.runs().any(|known| known == run), "{run} is forgotten: {now:?}");
                }
            }
            let pick = |wanted: &Option<ServiceInstance>| wanted.as_ref().map(|instance| instance.run.clone());
            match event {
                0 => if let Some(run) = pick(&now.next) { fates.insert(run, READY); },
                1 => if let Some(run) = pick(&now.next) { fates.insert(run, ended()); },
                2 => if let Some(run) = pick(&now.current) { fates.insert(run, ended()); },
                3 => {
                    now.generation += 1;
                    if matches!(now.state, ServiceState::Healthy | ServiceState::Unhealthy) && now.previous.is_none() {
                        now.previous = Some(Box::new(now.spec.clone()));
                    }
                    if now.state == ServiceState::Failed { now.state = ServiceState::Transitioning; }
                }
                4 => for run in now.leaving.clone() { fates.insert(run, ended()); },
                _ => clock += 7,
            }
        }
        // Every instance comes up from now on.
        for _ in 0..4 {
            prop_assert!(settle(&mut now, &mut fates, &mut clock));
            for run in now.leaving.clone() { fates.insert(run, ended()); }
            if let Some(instance) = &now.next { fates.insert(instance.run.clone(), READY); }
        }
        prop_assert!(settle(&mut now, &mut fates, &mut clock));
        for run in now.leaving.clone() {
            fates.insert(run, ended());
        }
        prop_assert!(settle(&mut now, &mut fates, &mut clock));
        if now.state != ServiceState::Failed {
            prop_assert_eq!(now.current.as_ref().map(|current| current.generation), Some(now.generation));
            prop_assert_eq!(now.state, ServiceState::Healthy);
            prop_assert!(!now.is_changing());
        }
    }
}
