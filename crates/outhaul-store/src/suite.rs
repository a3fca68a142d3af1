//! What every store must do: one asynchronous function for each promise, given a fresh and empty store. An
//! implementation runs them all with [`store_suite!`](crate::store_suite), each as a test of its own.
//!
//! One file for each subject; a new case is written there and named in the macro.
#![expect(clippy::unwrap_used, reason = "a case fails by a panic, as tests do")]

pub mod active;
pub mod addresses;
pub mod apply;
pub mod concurrency;
pub mod create;
pub mod documents;
pub mod environments;
pub mod experiments;
pub mod find;
mod fixture;
pub mod history;
pub mod list;
pub mod metrics;
pub mod models;
pub mod outputs;
pub mod secrets;
pub mod services;
pub mod targets;
pub mod workspaces;

use std::any::Any;
use std::sync::Arc;

use crate::Store;

/// An empty store for one case, and what must live as long as it.
pub struct Fresh {
    store: Arc<dyn Store>,
    _kept: Option<Box<dyn Any + Send>>,
}

impl Fresh {
    /// A store that needs nothing else.
    pub fn new(store: impl Store + 'static) -> Self {
        Self {
            store: Arc::new(store),
            _kept: None,
        }
    }

    /// A store in a temporary folder or the like, which is dropped after it.
    pub fn keeping(store: impl Store + 'static, kept: impl Any + Send) -> Self {
        Self {
            store: Arc::new(store),
            _kept: Some(Box::new(kept)),
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }
}

/// Makes a test of every case of the suite. Its argument is the name of a function without arguments that
/// gives a [`Fresh`](crate::suite::Fresh); the crate that uses it needs `tokio` with its macros.
#[macro_export]
macro_rules! store_suite {
    ($fresh:ident) => {
        $crate::store_suite! { @tests $fresh
            workspaces {
                there_are_none_at_first, the_first_is_current, use_changes_the_current_one,
                settings_change_and_the_rest_stays, an_unknown_one_is_not_used,
            }
            create {
                a_run_is_recorded_with_its_first_event, submitting_twice_makes_one_run,
                submitting_twice_after_changes_gives_the_run_as_it_stands, another_submission_with_the_same_id_is_refused,
                an_unknown_workspace_is_refused, an_unknown_parent_is_refused, everything_of_a_spec_reads_back,
                odd_texts_read_back, a_run_that_begins_at_once, several_are_recorded_at_once, several_are_all_or_none,
            }
            find {
                a_full_id_and_any_unique_prefix_name_a_run, a_prefix_of_several_is_ambiguous,
                an_ambiguous_prefix_names_only_some, texts_that_are_no_prefix_are_not_found, children_are_found_too,
            }
            list {
                the_newest_come_first_whatever_the_clock_says, each_filter_alone, filters_add_up, tags_are_compared_exactly,
                tags_of_the_script_are_filtered_too, removed_tags_are_not_found, limits, children_are_listed_with_their_parent_only,
                a_summary_says_what_the_run_says, workspaces_are_apart, an_unknown_state_or_workspace_is_an_error,
            }
            apply {
                a_whole_life, several_events_are_all_or_none, a_stale_guard_changes_nothing,
                a_forbidden_transition_changes_nothing, any_version_will_do_where_it_is_said, no_events_change_nothing,
                an_unknown_run_is_not_found, events_after_a_position, a_long_history_keeps_its_order,
                a_child_has_its_own_rules,
            }
            active {
                runs_that_have_not_ended_oldest_first, runs_that_have_ended_and_are_not_released, children_are_in_neither,
                releasing_twice_or_early_is_harmless, those_of_one_target,
            }
            metrics {
                they_are_kept_in_the_order_of_logging, values_read_back_exactly, the_same_stretch_counts_once,
                a_gap_is_refused, an_unknown_run_takes_nothing_of_the_batch, children_have_their_own,
                an_empty_stretch_moves_the_mark, a_client_may_send_them_again, the_newest_of_each_name,
                of_many_runs_at_once,
            }
            models {
                versions_count_from_1, registering_twice_makes_one_version, a_deleted_number_is_not_given_again,
                names_in_another_case_are_one_name, tags_change_and_properties_are_added, filters_add_up,
                of_an_unknown_workspace, many_registrations_at_once_have_numbers_of_their_own,
            }
            outputs { they_add_up_and_are_sorted, they_are_removed_by_path, of_an_unknown_run }
            experiments { they_count_their_runs, children_are_not_counted, one_without_runs, of_an_unknown_workspace }
            documents { the_last_one_is_given_back, of_an_unknown_workspace }
            environments {
                a_new_spec_is_a_new_version, versions_are_found, they_belong_to_their_workspace,
                an_unknown_workspace_is_refused, the_first_lock_stays,
            }
            targets {
                everything_of_a_target_reads_back, names_and_ids_are_taken_once, names_compare_exactly,
                a_change_replaces_the_whole_target, a_late_answer_about_another_attachment_changes_nothing,
                a_target_goes_with_its_secrets, removing_what_is_not_there_is_harmless,
                one_of_many_attachments_of_a_name_wins,
            }
            secrets {
                what_is_put_is_given_back_byte_for_byte, owners_are_apart, removing_twice_is_harmless,
                those_without_a_target_stay_until_they_are_removed,
            }
            services {
                everything_of_a_service_reads_back, names_belong_to_their_workspace,
                a_late_change_of_another_service_changes_nothing, a_model_that_is_served_is_kept,
            }
            addresses {
                case_does_not_matter, only_the_case_of_ascii_letters_is_ignored, they_are_sorted_by_resource_id,
                removing_tells_whether_there_was_one,
            }
            concurrency {
                one_of_many_guarded_changes_wins_each_version, many_creations_at_once_are_all_there,
                the_same_submission_from_many_makes_one_run, a_refusal_among_many_touches_no_other,
                a_stretch_of_metrics_from_many_counts_once, what_was_answered_can_be_read,
            }
            history { random_histories_agree_with_the_model }
        }
    };
    (@tests $fresh:ident $($subject:ident { $($case:ident),* $(,)? })*) => {
        $(mod $subject {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fresh = super::$fresh();
                $crate::suite::$subject::$case(fresh.store()).await;
            })*
        })*
    };
}

#[cfg(test)]
mod tests {
    /// A case that is not named in the macro would never run.
    #[test]
    fn every_case_is_named_in_the_macro() {
        let here = include_str!("suite.rs");
        let listed = &here[here.find("workspaces {").unwrap()..here.find("(@tests").unwrap()];
        let sources = [
            include_str!("suite/active.rs"),
            include_str!("suite/addresses.rs"),
            include_str!("suite/apply.rs"),
            include_str!("suite/concurrency.rs"),
            include_str!("suite/create.rs"),
            include_str!("suite/documents.rs"),
            include_str!("suite/environments.rs"),
            include_str!("suite/experiments.rs"),
            include_str!("suite/find.rs"),
            include_str!("suite/history.rs"),
            include_str!("suite/list.rs"),
            include_str!("suite/metrics.rs"),
            include_str!("suite/models.rs"),
            include_str!("suite/outputs.rs"),
            include_str!("suite/secrets.rs"),
            include_str!("suite/services.rs"),
            include_str!("suite/targets.rs"),
            include_str!("suite/workspaces.rs"),
        ];
        assert_eq!(
            here.matches("pub mod ").count() - 1,
            sources.len(),
            "a subject's file is missing here"
        );
        let mut cases = 0;
        for source in sources {
            for after in source.split("pub async fn ").skip(1) {
                let name = after.split('(').next().unwrap();
                assert!(
                    listed.contains(&format!("{name},")) || listed.contains(&format!("{name} }}")),
                    "{name}"
                );
                cases += 1;
            }
        }
        assert!(cases > 50, "{cases}");
    }
}
