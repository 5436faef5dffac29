//! The differences between two versions of the schemas.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::Json;
use crate::schema::referred;

/// The alternatives of each type and field in the schemas, by place: `module:Name` or `module:Name.field`.
type Facts = BTreeMap<String, BTreeSet<String>>;

/// Returns everything added, removed or changed from `old` to `new`, one line each: events, types, fields, and the
/// alternatives of a field or type (values of an enum, variants of a union, whether it is required).
///
/// # Errors
/// If either is not JSON.
pub fn differences(old: &str, new: &str) -> serde_json::Result<Vec<String>> {
    let (old, new): (Json, Json) = (serde_json::from_str(old)?, serde_json::from_str(new)?);
    let (before, after) = (facts(&old), facts(&new));
    let mut lines = Vec::new();
    let (old_events, new_events) = (events(&old), events(&new));
    lines.extend(new_events.difference(&old_events).map(|event| format!("new event: {event}")));
    lines.extend(old_events.difference(&new_events).map(|event| format!("gone event: {event}")));
    // Fields follow their type: those of an added or removed type need no line.
    let (mut whole, nothing) = (BTreeSet::new(), BTreeSet::new());
    for place in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let r#type = place
            .split('.')
            .next_back()
            .filter(|_| is_field(place))
            .map_or(place.as_str(), |field| &place[..place.len() - field.len() - 1]);
        if whole.contains(r#type) {
            continue;
        }
        let kind = if is_field(place) { "field" } else { "type" };
        let (then, now) = (before.get(place), after.get(place));
        match (then, now) {
            (None, Some(now)) => lines.push(format!("new {kind}: {place}{}", list(": ", now))),
            (Some(_), None) => lines.push(format!("gone {kind}: {place}")),
            _ => {
                let (then, now) = (then.unwrap_or(&nothing), now.unwrap_or(&nothing));
                let more: BTreeSet<String> = now.difference(then).cloned().collect();
                let less: BTreeSet<String> = then.difference(now).cloned().collect();
                if !more.is_empty() || !less.is_empty() {
                    lines.push(format!(
                        "changed {kind}: {place}{}{}",
                        list(": + ", &more),
                        list(": - ", &less)
                    ));
                }
                continue;
            }
        }
        if kind == "type" {
            whole.insert(place.as_str());
        }
    }
    Ok(lines)
}

fn is_field(place: &str) -> bool {
    place.split_once(':').is_some_and(|(_, name)| name.contains('.'))
}

fn list(before: &str, facts: &BTreeSet<String>) -> String {
    if facts.is_empty() {
        return String::new();
    }
    format!("{before}{}", facts.iter().cloned().collect::<Vec<_>>().join(" | "))
}

fn schemas(document: &Json) -> &[(String, Json)] {
    document.get("schemas").map_or(&[], Json::fields)
}

fn facts(document: &Json) -> Facts {
    let mut facts = Facts::new();
    for (name, schema) in schemas(document) {
        let Some(fields) = schema.get("properties") else {
            facts.insert(name.clone(), may_be(schema));
            continue;
        };
        facts.insert(name.clone(), BTreeSet::new());
        let required = schema.strings("required");
        for (field, schema) in fields.fields() {
            let mut field_facts = may_be(schema);
            if required.contains(field) {
                field_facts.insert("required".into());
            }
            facts.insert(format!("{name}.{field}"), field_facts);
        }
    }
    facts
}

fn events(document: &Json) -> BTreeSet<String> {
    let events = schemas(document).iter().filter(|(name, _)| name.ends_with("Event"));
    events
        .flat_map(|(_, schema)| schema.get("properties")?.get("type").map(|tag| tag.strings("enum")))
        .flatten()
        .collect()
}

/// Returns short descriptions of a schema's alternatives.
fn may_be(schema: &Json) -> BTreeSet<String> {
    if let Some(name) = referred(schema) {
        return BTreeSet::from([name.to_owned()]);
    }
    let alternatives = schema.list("anyOf");
    if !alternatives.is_empty() {
        return alternatives.iter().flat_map(may_be).collect();
    }
    let within = |field: &str, open: &str, close: &str| {
        let inner = schema.get(field).map(may_be).unwrap_or_default();
        inner.into_iter().map(|inner| format!("{open}{inner}{close}")).collect()
    };
    match schema.str("type") {
        Some("array") => within("items", "[", "]"),
        Some("object") => within("additionalProperties", "{", "}"),
        Some("string") if !schema.list("enum").is_empty() => {
            schema.strings("enum").into_iter().map(|value| format!("\"{value}\"")).collect()
        }
        other => BTreeSet::from([other.unwrap_or("anything").to_owned()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_difference_has_its_line() {
        let old = r##"{"schemas": {
            "a:Event": {"properties": {"type": {"type": "string", "enum": ["a.old"]}, "n": {"type": "integer"}},
                        "required": ["type", "n"]},
            "a:Mode": {"type": "string", "enum": ["low", "high"]},
            "a:Gone": {"properties": {"x": {"type": "string"}}, "required": []},
            "a:Union": {"anyOf": [{"$ref": "#/schemas/a:Gone"}]}
        }}"##;
        let new = r##"{"schemas": {
            "a:Event": {"properties": {"type": {"type": "string", "enum": ["a.new"]}, "n": {"type": "number"},
                        "list": {"type": "array", "items": {"$ref": "#/schemas/a:Mode"}}}, "required": ["type"]},
            "a:Mode": {"type": "string", "enum": ["low", "max"]},
            "a:New": {"properties": {"x": {"type": "string"}}, "required": []},
            "a:Union": {"anyOf": [{"$ref": "#/schemas/a:New"}, {"type": "null"}]}
        }}"##;
        assert_eq!(
            differences(old, new).unwrap(),
            [
                "new event: a.new",
                "gone event: a.old",
                "new field: a:Event.list: [a:Mode]",
                "changed field: a:Event.n: + number: - integer | required",
                "changed field: a:Event.type: + \"a.new\": - \"a.old\"",
                "gone type: a:Gone",
                "changed type: a:Mode: + \"max\": - \"high\"",
                "new type: a:New",
                "changed type: a:Union: + a:New | null: - a:Gone",
            ]
        );
        assert_eq!(differences(new, new).unwrap(), [""; 0]);
    }
}
