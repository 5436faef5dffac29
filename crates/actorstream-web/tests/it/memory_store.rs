//! `MemoryStore` fulfils the contract of all stores. The paused clock advances only over waits.

use std::sync::Arc;

use actorstream_web::store::{MemoryStore, Store, contract};

const MEMORY: contract::Make<'_> =
    &|limits| Box::pin(async { Arc::new(MemoryStore::new(limits)) as Arc<dyn Store> });

#[tokio::test(start_paused = true)]
async fn entries_are_numbered_from_one_without_gaps() {
    contract::logs::entries_are_numbered_from_one_without_gaps(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_read() {
    contract::logs::what_is_written_is_read(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_told() {
    contract::logs::a_gap_is_told(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_repeated_append_is_no_second_one() {
    contract::logs::a_repeated_append_is_no_second_one(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_closes_the_log() {
    contract::logs::the_end_closes_the_log(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_log_takes_its_end_alone() {
    contract::logs::a_full_log_takes_its_end_alone(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_log_takes_its_end_alone() {
    contract::logs::an_old_log_takes_its_end_alone(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_of_what_was_appended() {
    contract::logs::a_watch_tells_of_what_was_appended(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found() {
    contract::logs::what_is_not_there_is_not_found(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn an_id_is_taken_once() {
    contract::logs::an_id_is_taken_once(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn an_ended_log_expires() {
    contract::logs::an_ended_log_expires(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn generations_are_counted() {
    contract::logs::generations_are_counted(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_over_is_claimed_by_one() {
    contract::producers::a_lease_that_is_over_is_claimed_by_one(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn renewals_and_appends_keep_a_lease() {
    contract::producers::renewals_and_appends_keep_a_lease(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_producer_is_fenced() {
    contract::producers::an_old_producer_is_fenced(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_across_a_takeover() {
    contract::producers::nothing_is_written_across_a_takeover(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn takeovers_are_counted() {
    contract::producers::takeovers_are_counted(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_reaches_the_producer() {
    contract::lives::a_stop_reaches_the_producer(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_outlives_its_producer() {
    contract::lives::a_stop_outlives_its_producer(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_the_end_changes_nothing() {
    contract::lives::a_stop_after_the_end_changes_nothing(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn attendance_lasts_as_long_as_it_was_said_to() {
    contract::lives::attendance_lasts_as_long_as_it_was_said_to(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_generation_is_gone_for_its_producer() {
    contract::lives::a_removed_generation_is_gone_for_its_producer(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn a_chat_has_one_generation_for_each_turn() {
    contract::chats::a_chat_has_one_generation_for_each_turn(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn chats_of_two_owners_are_apart() {
    contract::chats::chats_of_two_owners_are_apart(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn of_many_at_once_one_is_bound() {
    contract::chats::of_many_at_once_one_is_bound(MEMORY).await;
}

#[tokio::test(start_paused = true)]
async fn what_processes_have_of_an_owner_is_added_up() {
    contract::lives::what_processes_have_of_an_owner_is_added_up(MEMORY).await;
}
