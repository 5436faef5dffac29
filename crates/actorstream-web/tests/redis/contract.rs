//! The contract of all stores, on an intact Redis, and on one whose replies are lost repeatedly.

use std::sync::Arc;

use actorstream_web::store::{Store, StoreLimits, contract};

use crate::proxy::Proxy;
use crate::server::{Server, store, url};

/// Passes the tests of the contract to a macro, except the one that counts acknowledgements.
macro_rules! contract_tests {
    ($macro:ident) => {
        $macro! {
            logs::entries_are_numbered_from_one_without_gaps
            logs::what_is_written_is_read
            logs::a_gap_is_told
            logs::a_repeated_append_is_no_second_one
            logs::the_end_closes_the_log
            logs::a_full_log_takes_its_end_alone
            logs::an_old_log_takes_its_end_alone
            logs::a_watch_tells_of_what_was_appended
            logs::what_is_not_there_is_not_found
            logs::an_id_is_taken_once
            logs::an_ended_log_expires
            logs::generations_are_counted
            producers::a_lease_that_is_over_is_claimed_by_one
            producers::renewals_and_appends_keep_a_lease
            producers::an_old_producer_is_fenced
            producers::takeovers_are_counted
            lives::a_stop_reaches_the_producer
            lives::a_stop_outlives_its_producer
            lives::a_stop_after_the_end_changes_nothing
            lives::attendance_lasts_as_long_as_it_was_said_to
            lives::a_removed_generation_is_gone_for_its_producer
            lives::what_processes_have_of_an_owner_is_added_up
            chats::a_chat_has_one_generation_for_each_turn
            chats::chats_of_two_owners_are_apart
            chats::of_many_at_once_one_is_bound
        }
    };
}
pub(crate) use contract_tests;

/// Creates stores on the server at this port.
macro_rules! make {
    ($port:expr) => {{
        let port = $port;
        move |limits: StoreLimits| -> futures_core::future::BoxFuture<'static, Arc<dyn Store>> {
            Box::pin(async move { Arc::new(store(&url(port), limits).await) as Arc<dyn Store> })
        }
    }};
}

macro_rules! tests {
    ($($module:ident::$name:ident)*) => {
        const TESTS: &[&str] = &[$(concat!(stringify!($module), "::", stringify!($name))),*];

        mod whole {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                let server = Server::start();
                contract::$module::$name(&make!(server.port)).await;
            })*
        }

        mod cut_again_and_again {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                let server = Server::start();
                let proxy = Proxy::start(server.port);
                proxy.cut_at_random(fastrand::u64(..));
                contract::$module::$name(&make!(proxy.port)).await;
            })*
        }
    };
}

contract_tests!(tests);

/// It counts acknowledged appends, and a lost reply acknowledges nothing. `faults` tests that case.
#[tokio::test]
async fn nothing_is_written_across_a_takeover() {
    let server = Server::start();
    contract::producers::nothing_is_written_across_a_takeover(&make!(server.port)).await;
}

/// Checks that no test is left out.
#[test]
fn every_test_of_the_contract_runs() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/contract");
    let mut missing = Vec::new();
    for module in ["chats", "lives", "logs", "producers"] {
        let text = std::fs::read_to_string(folder.join(format!("{module}.rs"))).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
            let name = format!("{module}::{}", line.split('(').next().unwrap());
            if !TESTS.contains(&name.as_str()) {
                missing.push(name);
            }
        }
    }
    assert_eq!(missing, ["producers::nothing_is_written_across_a_takeover"]);
}
