//! The documentation of generated types and fields. The schemas contain none.

mod events;
mod fields;
mod fields_of_types;
mod types;

use events::EVENTS;
use types::TYPES;

fn look_up(table: &[(&str, &'static str)], key: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == key).map(|(_, words)| *words)
}

/// Returns the documentation of an event type.
pub fn of_event(tag: &str) -> Option<&'static str> {
    look_up(EVENTS, tag)
}

/// Returns the documentation of a type.
pub fn of_type(name: &str) -> Option<&'static str> {
    look_up(TYPES, name).or_else(|| look_up(TYPES, name.rsplit("::").next()?))
}

/// Returns the documentation of a field.
pub fn of_field(r#type: &str, field: &str) -> String {
    let short = r#type.rsplit("::").next().unwrap_or_default();
    let words = look_up(fields_of_types::FIELDS, &format!("{type}.{field}"))
        .or_else(|| look_up(fields_of_types::FIELDS, &format!("{short}.{field}")))
        .or_else(|| look_up(fields::FIELDS, field));
    words.map_or_else(|| format!("The field `{field}`."), str::to_owned)
}
