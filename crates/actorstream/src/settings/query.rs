//! `Query`: the query parameters of requests, besides those of the base URL.

/// Query parameters, in the order in which they were set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<Parameter>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    name: String,
    /// The encoded name and value.
    pair: String,
    /// Whether it was set for the call only.
    own: bool,
}

/// Returns the encoded name and value of a parameter.
pub(crate) fn pair(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

impl Query {
    /// Sets a parameter; it replaces the client's of the same name.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|parameter| parameter.own || parameter.name != name);
        self.0.push(Parameter { name: name.to_owned(), pair: pair(name, value), own: true });
    }

    /// Marks the parameters so far as the client's.
    pub(crate) fn seal(&mut self) {
        self.0.iter_mut().for_each(|parameter| parameter.own = false);
    }

    /// Returns whether a parameter of this name is set.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|parameter| parameter.name == name)
    }

    /// The parameters, encoded; empty if there are none.
    pub(crate) fn encoded(&self) -> String {
        let pairs: Vec<&str> = self.0.iter().map(|parameter| parameter.pair.as_str()).collect();
        pairs.join("&")
    }

    /// Removes from an encoded query the parameters that are set here; the others are unchanged.
    pub(crate) fn without(&self, query: &str) -> String {
        let is_set = |part: &str| {
            let name = form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name.into_owned());
            name.is_some_and(|name| self.has(&name))
        };
        let parts: Vec<&str> = query.split('&').filter(|part| !is_set(part)).collect();
        parts.join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_replaces_what_the_client_has() {
        let mut query = Query::default();
        query.set("a", "1");
        query.set("include[]", "x y");
        query.set("include[]", "z");
        assert_eq!(query.encoded(), "a=1&include%5B%5D=x+y&include%5B%5D=z");
        query.seal();
        query.set("include[]", "b");
        query.set("include[]", "c");
        assert_eq!(query.encoded(), "a=1&include%5B%5D=b&include%5B%5D=c");
        assert_eq!(query.without("b=%20&a=0&include%5b%5d=q&c"), "b=%20&c");
        assert_eq!(query.without(""), "");
    }
}
