//! Writes requests as forms, whose `extra` fields may replace typed fields.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{FilePart, Form, text_of};

/// Writes the fields of one request, except those that `extra` replaces.
///
/// `extra` may name a list with or without its brackets.
pub(crate) struct FormWriter<'a> {
    form: Form,
    extra: &'a Map<String, Value>,
}

impl<'a> FormWriter<'a> {
    pub(crate) fn new(extra: &'a Map<String, Value>) -> Self {
        Self { form: Form::new(), extra }
    }

    /// Writes a field that is always present: a string verbatim, any other value as its JSON.
    pub(crate) fn required<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        if !self.is_replaced(name) {
            self.push(name, value);
        }
    }

    /// Writes a field if it has a value.
    pub(crate) fn optional<T: Serialize>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.required(name, value);
        }
    }

    /// Writes a field if it has a value; an object as a field for each of its fields, called `name[field]`.
    pub(crate) fn nested<T: Serialize>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value
            && !self.is_replaced(name)
        {
            self.push_nested(name, &serde_json::to_value(value).unwrap_or_default());
        }
    }

    fn push_nested(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(field, value)| self.push_nested(&format!("{name}[{field}]"), value));
            }
            value => self.push(name, value),
        }
    }

    /// Writes a list, each entry as a field called `name[]`.
    pub(crate) fn list<T: Serialize>(&mut self, name: &str, values: &[T]) {
        if !self.is_replaced(name) {
            self.push_list(name, values);
        }
    }

    /// Writes the further fields, and then the files, so that a server that parses incrementally already knows
    /// everything else.
    pub(crate) fn finish<'f>(mut self, files: impl IntoIterator<Item = (&'f str, &'f FilePart)>) -> Form {
        for (name, value) in self.extra {
            match value {
                Value::Array(values) => self.push_list(name, values),
                _ => self.push(name, value),
            }
        }
        for (name, file) in files {
            if !self.is_replaced(name.trim_end_matches("[]")) {
                self.form = self.form.file(name, file.clone());
            }
        }
        self.form
    }

    fn is_replaced(&self, name: &str) -> bool {
        self.extra.keys().any(|extra| extra.strip_suffix("[]").unwrap_or(extra) == name)
    }

    fn push<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        if let Some(text) = text_of(value) {
            self.form = std::mem::take(&mut self.form).text(name, text);
        }
    }

    fn push_list<T: Serialize>(&mut self, name: &str, values: &[T]) {
        let name = format!("{}[]", name.strip_suffix("[]").unwrap_or(name));
        for value in values {
            self.push(&name, value);
        }
    }
}
