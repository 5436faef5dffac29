//! `Schema`: the JSON Schema of a type, in the API's form.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::answer::tools::FunctionDefinition;

/// The field for a value that is not an object: the API requires an object.
const VALUE: &str = "value";

/// The string formats that the API supports.
const FORMATS: [&str; 9] =
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// The keywords removed from a strict schema: annotations, and bounds that strict mode does not support. The
/// deserialized value is still checked by its type.
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

/// The keywords that strict mode cannot express.
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
    /// The name of the type, in the characters that the API accepts: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// The description of the type: its doc comment.
    pub description: Option<String>,
    /// The schema, whose root is an object. If the type is not an object (a list, an enum, a number), the schema is
    /// an object whose only field `value` holds it.
    ///
    /// The fields are in the order of their declaration, the tag of an enum before the fields of its variant. A model
    /// writes them in the order of the schema, so a type with `reasoning` before `answer` makes it reason first.
    pub schema: Value,
    /// Whether the schema fits strict mode, in which the server guarantees that the answer follows it. A type that
    /// contains a map, a tuple, or any JSON ([`serde_json::Value`]) does not.
    pub strict: bool,
}

impl Schema {
    /// Creates the schema of `T`.
    ///
    /// In a strict schema every field is required, as the API demands; an `Option` may be `null`. Bounds that strict
    /// mode does not support are omitted.
    pub fn of<T: schemars::JsonSchema + ?Sized>() -> Self {
        let name = name(&T::schema_name());
        let mut loose = root::<T>();
        if !is_object(&loose) {
            loose = wrap(loose);
        }
        let description = description(&loose);
        let mut strict = loose.clone();
        let schema = match tighten(&mut strict) {
            Ok(()) => strict,
            Err(Inexpressible) => {
                loose.as_object_mut().map(|root| root.shift_remove("$schema"));
                return Self { name, description, schema: loose, strict: false };
            }
        };
        Self { name, description, schema, strict: true }
    }
}

/// Returns whether a value of the type is wrapped in an object.
pub(super) fn is_wrapped<T: schemars::JsonSchema + ?Sized>() -> bool {
    !is_object(&root::<T>())
}

impl FunctionDefinition {
    /// Creates a function called `name` whose arguments are the fields of `T`; strict if the type allows it (see
    /// [`Schema`]). For `()` or a unit struct, it takes no arguments.
    pub fn of<T: schemars::JsonSchema + ?Sized>(name: impl Into<String>) -> Self {
        let root = root::<T>();
        if root["type"] == "null" {
            let description = description(&root);
            let nothing =
                json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": false });
            return Self { description, ..Self::new(name).parameters(nothing).strict(true) };
        }
        let Schema { description, schema, strict, .. } = Schema::of::<T>();
        Self { description, ..Self::new(name).parameters(schema).strict(strict) }
    }
}

fn description(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(str::to_owned)
}

fn root<T: schemars::JsonSchema + ?Sized>() -> Value {
    SchemaGenerator::from(SchemaSettings::draft2020_12()).into_root_schema_for::<T>().to_value()
}

fn is_object(schema: &Value) -> bool {
    schema["type"] == "object" && schema.get("oneOf").is_none() && schema.get("anyOf").is_none()
}

/// Returns an object with one field of this schema.
fn wrap(mut schema: Value) -> Value {
    let defs = schema.as_object_mut().and_then(|schema| {
        schema.shift_remove("$schema");
        schema.shift_remove("$defs")
    });
    let mut defs = match defs {
        Some(Value::Object(defs)) => defs,
        _ => Map::new(),
    };
    let name = free_name(&defs);
    let target = Value::from(format!("#/$defs/{name}"));
    // The former root is now a definition.
    for def in defs.values_mut().chain([&mut schema]) {
        repoint(def, &target);
    }
    let description = schema.get("description").cloned();
    defs.insert(name, schema);
    let mut root = json!({
        "type": "object",
        "properties": { VALUE: { "$ref": target } },
        "required": [VALUE],
        "$defs": defs,
    });
    if let Some(description) = description {
        root["description"] = description;
    }
    root
}

/// Returns an unused name for the definition of the value: a type in it may have the field's name.
fn free_name(defs: &Map<String, Value>) -> String {
    let mut name = VALUE.to_owned();
    while defs.contains_key(&name) {
        name.push('_');
    }
    name
}

/// Redirects every reference to the root to `target`.
fn repoint(schema: &mut Value, target: &Value) {
    match schema {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == "$ref" && field == "#" {
                    field.clone_from(target);
                } else {
                    repoint(field, target);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|schema| repoint(schema, target)),
        _ => {}
    }
}

/// Strict mode cannot express a type.
struct Inexpressible;

/// Converts a schema to strict mode.
fn tighten(schema: &mut Value) -> Result<(), Inexpressible> {
    // `true` is any JSON.
    let Value::Object(fields) = schema else { return Err(Inexpressible) };
    for name in DROPPED {
        fields.shift_remove(name);
    }
    if INEXPRESSIBLE.iter().any(|name| fields.contains_key(*name)) {
        return Err(Inexpressible);
    }
    if let Some(value) = fields.shift_remove("const") {
        fields.insert("enum".into(), json!([value]));
    }
    if let Some(variants) = fields.shift_remove("oneOf") {
        fields.insert("anyOf".into(), variants);
    }
    if let Some(Value::Array(mut parts)) = fields.shift_remove("allOf") {
        // A single part replaces the list; several cannot be expressed.
        let (Some(Value::Object(part)), true) = (parts.pop(), parts.is_empty()) else {
            return Err(Inexpressible);
        };
        for (name, field) in part {
            fields.entry(name).or_insert(field);
        }
    }
    if fields.get("format").is_some_and(|format| !FORMATS.iter().any(|known| format == known)) {
        fields.shift_remove("format");
    }
    if let Some(target) = fields.shift_remove("$ref") {
        if fields.is_empty() {
            fields.insert("$ref".into(), target);
        } else {
            // A reference must not have siblings.
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

/// Converts a type's name to the characters that the API accepts.
fn name(of: &str) -> String {
    let name: String = of
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .take(64)
        .collect();
    if name.is_empty() { VALUE.to_owned() } else { name }
}
