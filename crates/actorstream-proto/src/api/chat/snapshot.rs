//! The message so far, which some servers send with each delta or instead of deltas (Perplexity, servers that do not
//! stream). The part that has not arrived yet is added to the delta.

use crate::json::text::Text;

use super::chunk::{Delta, ToolCallDelta};
use super::completion::ChatMessage;
use super::texts::Texts;
use super::tool_calls::{ToolCalls, push_calls};

/// The growing message.
pub(super) struct Into<'a> {
    pub(super) message: &'a mut ChatMessage,
    pub(super) came: &'a mut Texts,
    pub(super) calls: &'a mut ToolCalls,
}

/// Adds the part of the snapshot that has not arrived yet to `news` and to the message. A snapshot that does not
/// extend the message has no effect. Returns by how many bytes the message grew.
#[cold]
pub(super) fn catch_up(into: Into<'_>, news: &mut Delta, snapshot: &Delta, keep: bool) -> usize {
    let Into { message, came, calls } = into;
    let mut grown = 0;
    if let Some(role) = snapshot.role.as_ref().filter(|role| !role.is_empty() && message.role.is_empty()) {
        role.as_str().clone_into(&mut message.role);
        news.role = Some(role.clone());
        grown += role.len();
    }
    let mut catch_up = |so_far: &mut Option<String>,
                        came: &mut crate::answer::came::Came,
                        news: &mut Option<Text>,
                        whole: &str| {
        let rest = match (keep, so_far.as_deref()) {
            (true, so_far) => whole.strip_prefix(so_far.unwrap_or_default()),
            (false, _) => came.rest_of(whole),
        };
        let Some(rest) = rest.filter(|rest| !rest.is_empty()) else { return };
        let before = news.take().map(String::from).unwrap_or_default();
        *news = Some(Text::from(before + rest));
        if keep {
            so_far.get_or_insert_default().push_str(rest);
            grown += rest.len();
        } else {
            so_far.get_or_insert_default();
            came.push(rest);
        }
    };
    if let Some(whole) = &snapshot.content {
        catch_up(&mut message.content, &mut came.content, &mut news.content, whole);
    }
    if let Some(whole) = snapshot.refusal.as_ref().filter(|whole| !whole.is_empty()) {
        catch_up(&mut message.refusal, &mut came.refusal, &mut news.refusal, whole);
    }
    if let Some(whole) = snapshot.reasoning_text().filter(|whole| !whole.is_empty()) {
        // The reasoning belongs in the field that was used so far.
        let by_content = if keep {
            message.reasoning_content.as_ref().is_some_and(|text| !text.is_empty())
        } else {
            came.reasoning_content != crate::answer::came::Came::default()
        };
        let silent = if keep {
            message.reasoning.as_ref().is_none_or(String::is_empty)
        } else {
            came.reasoning == crate::answer::came::Came::default()
        };
        let named = snapshot.reasoning_content.as_ref().is_some_and(|text| !text.is_empty());
        if by_content || (silent && named) {
            catch_up(
                &mut message.reasoning_content,
                &mut came.reasoning_content,
                &mut news.reasoning_content,
                whole,
            );
        } else {
            catch_up(&mut message.reasoning, &mut came.reasoning, &mut news.reasoning, whole);
        }
    }
    if let Some(whole) = &snapshot.tool_calls {
        grown += catch_up_calls(calls, news, whole, keep);
    }
    for (name, value) in snapshot.extra.iter() {
        if news.extra.get(name).is_none() {
            news.extra.insert(name, value.clone());
        }
        if keep && message.extra.get(name) != Some(value) {
            grown += name.len() + crate::json::weight::weight(value);
            message.extra.insert(name, value.clone());
        }
    }
    grown
}

/// Handles the calls of a snapshot: new ones, and the missing parts of the others.
fn catch_up_calls(calls: &mut ToolCalls, news: &mut Delta, whole: &[ToolCallDelta], keep: bool) -> usize {
    let mut rests = Vec::new();
    let mut any = false;
    for (place, call) in whole.iter().enumerate() {
        let mut rest = call.clone();
        let arguments = rest.function.as_mut().and_then(|function| function.arguments.as_mut());
        let input = rest.custom.as_mut().and_then(|custom| custom.input.as_mut());
        let text = arguments.or(input);
        let missing = calls
            .rest_of(call.id.as_deref(), place, text.as_deref().map_or("", Text::as_str))
            .unwrap_or_default();
        any |= !missing.is_empty() || place >= calls.len();
        let missing = Text::from(missing);
        if let Some(text) = text {
            *text = missing;
        }
        if rest.id.as_ref().is_none_or(|id| id.is_empty()) {
            rest.index.get_or_insert(u32::try_from(place).unwrap_or(u32::MAX));
            if let Some(function) = rest.function.as_mut().filter(|_| place < calls.len()) {
                // The rest of a call that has begun must not begin another call.
                function.name = None;
            }
        }
        rests.push(rest);
    }
    if !any {
        return 0;
    }
    let grown = push_calls(calls, &mut rests, keep);
    news.tool_calls.get_or_insert_default().append(&mut rests);
    grown
}
