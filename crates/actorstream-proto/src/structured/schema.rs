//! `Schema`: the JSON Schema of a type, as the API takes it.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::chat::request::{FunctionDefinition, JsonSchema};

/// The field that a value is in which is no object: the API wants an object.
pub(super) const VALUE: &str = "value";

/// The formats of strings that the API knows.
const FORMATS: [&str; 9] =
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// What is taken out of a strict schema: notes for people, and bounds that strict mode does not know. The value that is
/// read is checked by its type all the same.
const DROPPED: [&str; 15] = [
    "$schema",
    "$comment",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "minLength",
    "maxLength",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
];

/// What strict mode cannot say.
const INEXPRESSIBLE: [&str; 8] = [
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "unevaluatedProperties",
    "not",
    "if",
    "dependentRequired",
    "dependentSchemas",
];

/// The JSON Schema of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// The name of the type, as the API takes names: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What the type is for: its doc comment.
    pub description: Option<String>,
    /// The schema, whose root is an object. The schema of a type that is none (a list, an enum, a number) is that of an
    /// object whose only field `value` holds it.
    pub schema: Value,
    /// Whether the schema is one for strict mode, in which the server's answer follows it exactly. A type with a map in
    /// it, a tuple, or any JSON ([`serde_json::Value`]) has none.
    pub strict: bool,
}

impl Schema {
    /// The schema of `T`.
    ///
    /// In a strict schema every field is required, as the API wants it; one that is an `Option` may be `null`. Bounds that
    /// strict mode does not know are left out.
    pub fn of<T: schemars::JsonSchema + ?Sized>() -> Self {
        let name = name(&T::schema_name());
        let mut loose = root::<T>();
        if !is_object(&loose) {
            loose = wrap(loose);
        }
        let description = loose.get("description").and_then(Value::as_str).map(str::to_owned);
        let mut strict = loose.clone();
        let schema = match tighten(&mut strict) {
            Ok(()) => strict,
            Err(Inexpressible) => {
                loose.as_object_mut().map(|root| root.remove("$schema"));
                return Self { name, description, schema: loose, strict: false };
            }
        };
        Self { name, description, schema, strict: true }
    }
}

/// Whether a value of the type is wrapped in an object.
pub(super) fn is_wrapped<T: schemars::JsonSchema + ?Sized>() -> bool {
    !is_object(&root::<T>())
}

impl JsonSchema {
    /// The shape of a type: its name, its doc comment, its schema; strict where the type allows it (see
    /// [`Schema`]).
    pub fn of<T: schemars::JsonSchema + ?Sized>() -> Self {
        let Schema { name, description, schema, strict } = Schema::of::<T>();
        Self { name, description, schema: Some(schema), strict: Some(strict) }
    }
}

impl FunctionDefinition {
    /// A function called `name` whose arguments are the fields of `T`; strict where the type allows it (see [`Schema`]).
    pub fn of<T: schemars::JsonSchema + ?Sized>(name: impl Into<String>) -> Self {
        let Schema { description, schema, strict, .. } = Schema::of::<T>();
        Self { description, ..Self::new(name).parameters(schema).strict(strict) }
    }
}

fn root<T: schemars::JsonSchema + ?Sized>() -> Value {
    SchemaGenerator::from(SchemaSettings::draft2020_12()).into_root_schema_for::<T>().to_value()
}

fn is_object(schema: &Value) -> bool {
    schema["type"] == "object" && schema.get("oneOf").is_none() && schema.get("anyOf").is_none()
}

/// An object whose only field is of this schema.
fn wrap(mut schema: Value) -> Value {
    let defs = schema.as_object_mut().and_then(|schema| {
        schema.remove("$schema");
        schema.remove("$defs")
    });
    let mut defs = match defs {
        Some(Value::Object(defs)) => defs,
        _ => Map::new(),
    };
    let description = schema.get("description").cloned();
    defs.insert(VALUE.to_owned(), schema);
    let mut root = json!({
        "type": "object",
        "properties": { VALUE: { "$ref": format!("#/$defs/{VALUE}") } },
        "required": [VALUE],
        "$defs": defs,
    });
    if let Some(description) = description {
        root["description"] = description;
    }
    // What was the root is a definition now.
    repoint(&mut root);
    root
}

fn repoint(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == "$ref" && field == "#" {
                    *field = format!("#/$defs/{VALUE}").into();
                } else {
                    repoint(field);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(repoint),
        _ => {}
    }
}

/// Strict mode has no words for a type.
struct Inexpressible;

/// Makes a schema one for strict mode.
fn tighten(schema: &mut Value) -> Result<(), Inexpressible> {
    // `true` is any JSON.
    let Value::Object(fields) = schema else { return Err(Inexpressible) };
    for name in DROPPED {
        fields.remove(name);
    }
    if INEXPRESSIBLE.iter().any(|name| fields.contains_key(*name)) {
        return Err(Inexpressible);
    }
    if let Some(value) = fields.remove("const") {
        fields.insert("enum".into(), json!([value]));
    }
    if let Some(variants) = fields.remove("oneOf") {
        fields.insert("anyOf".into(), variants);
    }
    if let Some(Value::Array(mut parts)) = fields.remove("allOf") {
        // One part is that part; the meaning of several has no words.
        let (Some(Value::Object(part)), true) = (parts.pop(), parts.is_empty()) else {
            return Err(Inexpressible);
        };
        for (name, field) in part {
            fields.entry(name).or_insert(field);
        }
    }
    if fields.get("format").is_some_and(|format| !FORMATS.iter().any(|known| format == known)) {
        fields.remove("format");
    }
    if let Some(target) = fields.remove("$ref") {
        if fields.is_empty() {
            fields.insert("$ref".into(), target);
        } else {
            // Nothing may stand beside a reference.
            fields.insert("anyOf".into(), json!([{ "$ref": target }]));
        }
    }
    let says_something = ["type", "enum", "anyOf", "$ref"].iter().any(|name| fields.contains_key(*name));
    if !says_something {
        return Err(Inexpressible);
    }
    if has_type(fields, "object") {
        tighten_object(fields)?;
    }
    if has_type(fields, "array") && !fields.contains_key("items") {
        return Err(Inexpressible);
    }
    if let Some(items) = fields.get_mut("items") {
        tighten(items)?;
    }
    for name in ["$defs", "properties"] {
        if let Some(Value::Object(parts)) = fields.get_mut(name) {
            parts.values_mut().try_for_each(tighten)?;
        }
    }
    if let Some(Value::Array(variants)) = fields.get_mut("anyOf") {
        variants.iter_mut().try_for_each(tighten)?;
    }
    Ok(())
}

fn tighten_object(fields: &mut Map<String, Value>) -> Result<(), Inexpressible> {
    if fields.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false)) {
        return Err(Inexpressible);
    }
    if fields.contains_key("anyOf") {
        // An enum that is flattened into a struct.
        return Err(Inexpressible);
    }
    let properties = fields.entry("properties").or_insert_with(|| json!({}));
    let names: Vec<_> = properties.as_object().into_iter().flat_map(Map::keys).cloned().collect();
    fields.insert("required".into(), names.into());
    fields.insert("additionalProperties".into(), false.into());
    Ok(())
}

fn has_type(fields: &Map<String, Value>, name: &str) -> bool {
    match fields.get("type") {
        Some(Value::Array(types)) => types.iter().any(|known| known == name),
        Some(one) => one == name,
        None => false,
    }
}

/// A type's name as the API takes names.
fn name(of: &str) -> String {
    let name: String = of
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .take(64)
        .collect();
    if name.is_empty() { VALUE.to_owned() } else { name }
}
